/* What does not come in fours, of the taps of three pixels that are all inside of the input; inputs are bytes. */
static TINYC_ROUTINE_ATTR void tinyc_dsp_rests(
    const struct tinyc_dsp_conv *conv, const int8_t *const *rows, int32_t at, int32_t step, uint32_t *to)
{
    if (conv->rest == 1 && conv->rows == 3) { /* a kernel of 3x3 on three channels */
        const int8_t *top = rows[0] + at + conv->fours, *middle = rows[1] + at + conv->fours;
        const int8_t *bottom = rows[2] + at + conv->fours;

        for (int32_t lane = 0; lane < 3; ++lane, top += step, middle += step, bottom += step) {
            to[lane] = (uint32_t)(*top & 0xffff) | (uint32_t)(uint16_t)*bottom << 16;
            to[lane + 3] = (uint32_t)*middle; /* the upper half has a weight of 0 */
        }
        return;
    }

    const int32_t filled = conv->filled;
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
    const int32_t way[3] = { 0, filled, filled };

    tinyc_dsp_gather(to, &rests, &rests + 1, way);
}
