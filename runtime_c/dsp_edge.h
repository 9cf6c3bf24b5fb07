/* The taps of one pixel, which begin in column `first` of the input: some are perhaps padding. Those in fours are
 * widened to `to`, the rest is put at `rest`. */
static TINYC_ROUTINE_ATTR void tinyc_dsp_edge(
    const struct tinyc_dsp_conv *conv, const int8_t *const *rows, int32_t first, int32_t origin, uint32_t *to,
    int32_t lanes, int8_t *rest)
{
    const int32_t depth = conv->depth, fours = conv->fours, count = fours + conv->rest, many = conv->inputs.many;
    const int32_t begin = tinyc_clamp(-first, 0, conv->columns) * depth;
    const int32_t end = tinyc_clamp((conv->width - first) * depth, begin, count);

    for (int32_t ky = 0; ky < conv->rows; ++ky) {
        const int8_t *taps = rows[ky] == NULL ? NULL : rows[ky] + (first - origin) * depth;
        int32_t i = 0;

        if (taps != NULL && end - begin == count) {
            tinyc_dsp_widened(&conv->inputs, to, taps, fours, lanes);
            to += fours / 2 * many * lanes;
            for (i = fours; i < count; ++i) {
                *rest++ = taps[i];
            }
        }
        for (; i < fours; i += 4, to += 2 * many * lanes) {
            int8_t four[4];

            if (taps == NULL || i + 4 <= begin || i >= end) {
                to[0] = to[lanes] = conv->padding;
                for (int32_t word = 2; word < 2 * many; ++word) {
                    to[word * lanes] = conv->padding;
                }
            } else if (i >= begin && i + 4 <= end) {
                tinyc_dsp_widened(&conv->inputs, to, taps + i, 4, lanes);
            } else {
                for (int32_t j = i; j < i + 4; ++j) {
                    four[j - i] = j >= begin && j < end ? taps[j] : conv->zero;
                }
                tinyc_dsp_widened(&conv->inputs, to, four, 4, lanes);
            }
        }
        for (; i < count; ++i) {
            *rest++ = taps != NULL && i >= begin && i < end ? taps[i] : conv->zero;
        }
    }
}
