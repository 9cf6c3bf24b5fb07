/* What does not come in fours, of the taps of three pixels that are all inside of the input. */
static inline void tinyc_dsp_rests(
    const struct tinyc_dsp_conv *conv, const int8_t *const *rows, int32_t at, int32_t step, uint32_t *to)
{
    const int32_t filled = (conv->rows * conv->rest + 3) & ~3;
    int8_t *first = (int8_t *)(to + 3 * filled / 2), *second = first + filled, *third = second + filled;
    const int8_t *rests = first;

    for (int32_t ky = 0; ky < conv->rows; ++ky) {
        const int8_t *taps = rows[ky] + at + conv->fours;

        for (int32_t i = 0; i < conv->rest; ++i, ++taps) {
            *first++ = taps[0];
            *second++ = taps[step];
            *third++ = taps[2 * step];
        }
    }
    tinyc_dsp_gather(to, &rests, 1, 0, filled, filled);
}
