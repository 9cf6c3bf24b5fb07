/* What tinyc_tile_nine computes, in C. */
static inline TINYC_HOT_ATTR void tinyc_tile_taps_portable(const struct tinyc_tile_taps *pixel)
{
    const int8_t *w = (const int8_t *)pixel->weights;
    const int32_t *parameters = pixel->parameters;

    for (int32_t c = 0;; w += 20, parameters += 4) {
        for (int32_t i = 0; i < 2; ++i) {
            int32_t sum = parameters[i];

            for (int32_t k = 0; k < 9; ++k) {
                sum += pixel->taps[k][c + i] * w[2 * k + i];
            }
            sum = tinyc_requantize(sum, parameters[2 + i], pixel->offset, 1);
            pixel->out[c + i] = (int8_t)tinyc_clamp(sum, pixel->low, pixel->high);
        }
        if (c == pixel->last) {
            return;
        }
        c = c + 2 > pixel->last ? pixel->last : c + 2;
    }
}
