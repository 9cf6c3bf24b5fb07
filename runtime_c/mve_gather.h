/* The taps of a pixel, which begin in column `first` of the input, side by side. */
static inline TINYC_HOT_ATTR void tinyc_mve_gather(
    const struct tinyc_mve_conv *conv, const int8_t *const *rows, int32_t first, int32_t origin, int8_t *to)
{
    const int32_t depth = conv->depth, count = conv->columns * depth, at = (first - origin) * depth;
    const int32_t begin = tinyc_clamp(-first * depth, 0, count);
    const int32_t end = tinyc_clamp((conv->width - first) * depth, begin, count);

    tinyc_mve_fill(to, conv->zero, conv->rows * count);
    for (int32_t ky = 0; ky < conv->rows; ++ky, to += count) {
        if (rows[ky] != NULL) {
            tinyc_mve_copy(to + begin, rows[ky] + at + begin, end - begin);
        }
    }
}
