/* A row of taps of one pixel, the first of them in column `first` of the input: some are padding. Those in fours are
 * widened to `to`, the rest is put at `rest`. */
static inline void tinyc_dsp_edge(
    const struct tinyc_dsp_conv *conv, const int8_t *row, int32_t first, int32_t origin, uint32_t *to, int32_t lanes,
    int8_t *rest)
{
    const uint32_t pair = (uint32_t)(conv->zero & 0xffff) * 0x10001u;
    const int32_t count = conv->columns * conv->depth;
    const int32_t begin = tinyc_clamp(-first, 0, conv->columns) * conv->depth;
    const int32_t end = row == NULL ? begin : tinyc_clamp((conv->width - first) * conv->depth, begin, count);
    const int8_t *taps = row + (row == NULL ? 0 : (first - origin) * conv->depth);

    if (conv->depth % 4 == 0) {
        tinyc_dsp_fill(to, pair, begin, lanes);
        tinyc_dsp_spread(to + begin / 2 * lanes, taps + begin, end - begin, lanes);
        tinyc_dsp_fill(to + end / 2 * lanes, pair, count - end, lanes);
        return;
    }
    for (int32_t i = 0; i < conv->fours; i += 4, to += 2 * lanes) {
        int8_t four[4];

        for (int32_t j = 0; j < 4; ++j) {
            four[j] = i + j >= begin && i + j < end ? taps[i + j] : conv->zero;
        }
        tinyc_dsp_spread(to, four, 4, lanes);
    }
    for (int32_t i = conv->fours; i < count; ++i) {
        *rest++ = i >= begin && i < end ? taps[i] : conv->zero;
    }
}
