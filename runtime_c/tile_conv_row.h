/* `count` pixels of an output row, in column x and behind. `rows` are the input's rows under the kernel, NULL for one
 * of padding; what they point to is column `origin`. There is room for four `spans` in each row of the kernel, where
 * there is padding for each of its taps: those of a row are a span, beside padding each tap is one. */
static TINYC_ROUTINE_ATTR void tinyc_tile_conv_row(
    const struct tinyc_tile_conv *conv, const int8_t *const *rows, int32_t origin, int32_t x, int32_t count,
    int8_t *out, const int8_t **spans)
{
    int32_t last = conv->width - conv->columns;

    for (int32_t ky = 0; ky < conv->rows; ++ky) {
        last = rows[ky] == NULL ? -1 : last; /* in no place all taps are inside */
    }
    for (; count > 0; count -= 4, x += 4, out += 4 * conv->channels) {
        const int32_t used = count < 4 ? count : 4, first = x * conv->stride - conv->pad;
        const int32_t wide = first >= 0 && first + (used - 1) * conv->stride <= last ? conv->columns : 1;
        struct tinyc_tile tile = tinyc_tile_at(conv, spans, wide * conv->depth, out, used);
        const int8_t **span = spans;

        for (int32_t ky = 0; ky < conv->rows; ++ky) {
            for (int32_t kx = 0; kx < conv->columns; kx += wide, span += 4) {
                span[0] = tinyc_tile_span(conv, rows[ky], first + kx, origin);
                for (int32_t lane = 1; lane < 4; ++lane) {
                    const int32_t column = first + kx + lane * conv->stride;

                    span[lane] = lane < used ? tinyc_tile_span(conv, rows[ky], column, origin) : span[lane - 1];
                }
            }
        }
        tile.spans_end = span;
        tinyc_tile_pixels(&tile, used);
    }
}
