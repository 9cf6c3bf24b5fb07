/* `count` pixels of an output row, in column x and behind. `rows` are the input's rows under the kernel, NULL for one
 * of padding; what they point to is column `origin`. `taps` is room for all of a kernel. */
static TINYC_ROUTINE_ATTR void tinyc_mve_depthwise_row(
    const struct tinyc_mve_depthwise *conv, const int8_t *const *rows, int32_t origin, int32_t x, int32_t count,
    int8_t *out, const int8_t **taps)
{
    for (int32_t first = x * conv->stride - conv->pad; count > 0; --count, first += conv->stride) {
        const int8_t **tap = taps;

        for (int32_t ky = 0; ky < conv->rows; ++ky) {
            for (int32_t kx = 0, column = first; kx < conv->columns; ++kx, column += conv->dilation) {
                const int inside = rows[ky] != NULL && column >= 0 && column < conv->width;

                *tap++ = inside ? rows[ky] + (column - origin) * conv->channels : conv->padding;
            }
        }
        tinyc_mve_filter(conv, taps, out);
        out += conv->channels;
    }
}
