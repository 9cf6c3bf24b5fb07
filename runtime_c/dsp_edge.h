/* A row of taps of which some may lie outside of the input: the first one in column `first` of the input. */
static inline void tinyc_dsp_edge(
    const struct tinyc_dsp_conv *conv, const int8_t *row, int32_t first, int32_t origin, int8_t *taps)
{
    const int32_t begin = row == NULL ? conv->columns : first < 0 ? -first : 0;
    const int32_t end = first + conv->columns > conv->width ? conv->width - first : conv->columns;

    for (int32_t i = 0; i < conv->run; ++i) {
        taps[i] = conv->zero;
    }
    for (int32_t i = begin * conv->depth; i < end * conv->depth; ++i) {
        taps[i] = row[(first - origin) * conv->depth + i];
    }
}
