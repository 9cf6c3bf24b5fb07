/* What the micro-kernels for a vector compute, in C. */
static inline TINYC_HOT_ATTR void tinyc_dsp_portable_vector(
    const struct tinyc_dsp_tile *tile, const uint32_t *weights, int apart)
{
    const int8_t *inputs = (const int8_t *)tile->pixels;
    const int32_t count = 4 * (int32_t)(tile->end - tile->pixels);

    for (int8_t *out = tile->out; out < tile->out_end; weights += count + 8) {
        for (int32_t pair = 0; pair < 2; ++pair) {
            uint32_t sum = weights[2 * pair], both = weights[2 * pair + 1];
            const uint32_t *multipliers = weights + count + 4 + 2 * pair;

            for (int32_t k = 0; k < count; ++k) {
                const uint32_t word = weights[4 + k / 8 * 8 + pair * 4 + k % 8 / 4 * 2 + k % 2];
                const uint32_t half = k % 4 < 2 ? word : word >> 16;

                sum += (uint32_t)(inputs[k] * (int8_t)half);
                both += (uint32_t)(inputs[k] * (apart ? (int8_t)(half >> 8) : (int16_t)half));
            }
            for (int32_t c = 0; c < 2 && out < tile->out_end; ++c) {
                const int32_t odd = apart ? (int32_t)both : (int32_t)(both - sum) >> 8;

                *out++ = (int8_t)tinyc_clamp(
                    tinyc_requantize(c == 0 ? (int32_t)sum : odd, (int32_t)multipliers[c], tile->offset, 1), -128, 127);
            }
        }
    }
}
