/* What the micro-kernel for one pixel with outputs of 16 bits computes, in C. */
static inline TINYC_HOT_ATTR void tinyc_dsp_portable_wide(const struct tinyc_dsp_tile *tile, const uint32_t *weights)
{
    const int32_t words = (int32_t)(tile->end - tile->pixels), channels = (int32_t)(tile->out_end - tile->out) / 2;
    int16_t *const out = (int16_t *)(void *)tile->out;

    for (int32_t c = 0; c < channels; c += 2, weights += words + 4) {
        uint32_t sum = weights[0], both = weights[1];

        for (int32_t k = 0; k < words; ++k) {
            const uint32_t x = tile->pixels[k], w = weights[k + 2];

            sum += (uint32_t)((int16_t)x * (int8_t)w + (int16_t)(x >> 16) * (int8_t)(w >> 16));
            both += (uint32_t)((int16_t)x * (int16_t)w) + (uint32_t)((int16_t)(x >> 16) * (int16_t)(w >> 16));
        }
        out[c] = tinyc_saturate16(tinyc_requantize((int32_t)sum, (int32_t)weights[words + 2], tile->offset, 1));
        if (c + 1 < channels) {
            const int32_t second = (int32_t)(both - sum) >> 8;

            out[c + 1] = tinyc_saturate16(tinyc_requantize(second, (int32_t)weights[words + 3], tile->offset, 1));
        }
    }
}
