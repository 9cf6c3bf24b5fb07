/* One pixel of a tile, in C. */
static inline TINYC_HOT_ATTR void tinyc_mve_portable(const struct tinyc_mve_tile *tile, const int8_t *in, int8_t *out)
{
    for (int32_t c = 0; c < tile->channels; ++c) {
        const uint32_t *four = tile->weights + c / 4 * (tile->bytes + 8), *ends = four + tile->bytes + c % 4;
        uint32_t sum = ends[0];

        for (int32_t i = tile->lead; i < tile->bytes; ++i) {
            const uint32_t word = four[i / 16 * 16 + c % 4 * 4 + i % 16 / 4];

            sum += (uint32_t)(in[i] * (int8_t)(word >> 8 * (i % 4)));
        }
        out[c] = (int8_t)tinyc_clamp(tinyc_requantize((int32_t)sum, (int32_t)ends[4], tile->offset, 1), -128, 127);
    }
}
