/* `count` pixels of an output row, in column x and behind, where rows of taps are short: those of four pixels are
 * gathered first, for which there is room at `taps`. `rows` are the input's rows under the kernel, NULL for one of
 * padding; what they point to is column `origin`. */
static TINYC_ROUTINE_ATTR void tinyc_tile_gathered_row(
    const struct tinyc_tile_conv *conv, const int8_t *const *rows, int32_t origin, int32_t x, int32_t count,
    int8_t *out, int8_t *taps)
{
    const int32_t depth = conv->depth, row = conv->columns * depth, length = conv->rows * row;

    for (; count > 0; count -= 4, x += 4, out += 4 * conv->channels) {
        const int32_t used = count < 4 ? count : 4;
        const int8_t *spans[4];
        struct tinyc_tile tile = tinyc_tile_at(conv, spans, length, out, used);
        int8_t *to = taps;

        for (int32_t lane = 0; lane < used; ++lane) {
            const int32_t first = (x + lane) * conv->stride - conv->pad, last = conv->width - first;
            const int32_t begin = first < 0 ? -first * depth : 0, end = last < conv->columns ? last * depth : row;

            for (int32_t same = lane; same < 4; ++same) {
                spans[same] = to; /* the last pixel's also for those that are not there */
            }
            for (int32_t ky = 0; ky < conv->rows; ++ky) {
                const int32_t inside = rows[ky] == NULL ? row : begin;
                const int8_t *from = rows[ky] == NULL ? NULL : rows[ky] + (first - origin) * depth;

                for (int32_t i = 0; i < row; ++i) {
                    *to++ = i >= inside && i < end ? from[i] : *conv->padding;
                }
            }
        }
        tinyc_tile_pixels(&tile, used);
    }
}
