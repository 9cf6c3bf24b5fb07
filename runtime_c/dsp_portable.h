/* What the micro-kernels compute, in C. Weights are words, for two channels at a time: their biases, products of four
 * inputs at a time, their multipliers. A half of a word of weights is 256 b + a, where b belongs to the second
 * channel: with both the sum for a and the sum for the whole half known, that for b is their difference over 256. Or it
 * has two bytes, a and b `apart`. */
static inline TINYC_HOT_ATTR void tinyc_dsp_portable(
    const struct tinyc_dsp_tile *tile, const uint32_t *weights, int32_t lanes, int apart)
{
    const int32_t words = (int32_t)(tile->end - tile->pixels) / lanes;
    const int32_t channels = (int32_t)(tile->out_end - tile->out);

    for (int32_t c = 0; c < channels; c += 2, weights += words + 4) {
        for (int32_t lane = lanes - 1; lane >= 0; --lane) {
            int8_t *out = tile->out + c + (lane == 2 ? tile->step2 : lane == 1 ? tile->step1 : 0);
            uint32_t sum = weights[0], both = weights[1];

            for (int32_t k = 0; k < words; ++k) {
                const uint32_t x = tile->pixels[k * lanes + lane], w = weights[k + 2];

                sum += (uint32_t)((int16_t)x * (int8_t)w + (int16_t)(x >> 16) * (int8_t)(w >> 16));
                both += (uint32_t)((int16_t)x * (apart ? (int8_t)(w >> 8) : (int16_t)w));
                both += (uint32_t)((int16_t)(x >> 16) * (apart ? (int8_t)(w >> 24) : (int16_t)(w >> 16)));
            }
            const int32_t y = tinyc_requantize((int32_t)sum, (int32_t)weights[words + 2], tile->offset, 1);

            out[0] = (int8_t)tinyc_clamp(y, -128, 127);
            if (c + 1 < channels) {
                const int32_t second = apart ? (int32_t)both : (int32_t)(both - sum) >> 8;
                const int32_t z = tinyc_requantize(second, (int32_t)weights[words + 3], tile->offset, 1);

                out[1] = (int8_t)tinyc_clamp(z, -128, 127);
            }
        }
    }
}
