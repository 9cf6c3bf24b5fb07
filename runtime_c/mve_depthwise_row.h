/* `count` pixels of an output row, in column x and behind. `rows` are the input's rows under the kernel, NULL for one
 * of padding; what they point to is column `origin`. `taps` is room for all of a kernel. */
static TINYC_LAYER_ATTR TINYC_HOT_ATTR void tinyc_mve_depthwise_row(
    const struct tinyc_mve_depthwise *conv, const int8_t *const *rows, int32_t origin, int32_t x, int32_t count,
    int8_t *out, const int8_t **taps)
{
    const int32_t channels = conv->channels, most = conv->width - (conv->columns - 1) * conv->dilation - 1;

    while (count > 0) {
        const int32_t first = x * conv->stride - conv->pad;
        int32_t pixels = 1, tap = 0;

        if (first >= 0 && first <= most) {
            pixels = (most - first) / conv->stride + 1; /* that have all columns inside */
            pixels = pixels < count ? pixels : count;
        }
        for (int32_t ky = 0; ky < conv->rows; ++ky) {
            for (int32_t kx = 0, column = first; kx < conv->columns; ++kx, column += conv->dilation) {
                const int inside = rows[ky] != NULL && column >= 0 && column < conv->width;

                taps[tap++] = inside ? rows[ky] + (column - origin) * channels : conv->padding;
            }
        }
        if (pixels < conv->together || conv->together == 0) {
            pixels = 1;
            tinyc_mve_filter(conv, taps, out);
        } else {
            const int32_t wide = channels * conv->together, step = wide * conv->stride - wide;
            struct tinyc_mve_run run = {
                { taps[0], taps[1], taps[2], taps[3], taps[4], taps[5], taps[6], taps[7], taps[8] }, conv->weights, out,
                wide - 16, conv->offset, pixels / conv->together,
                { rows[0] == NULL ? -wide : step, rows[1] == NULL ? -wide : step, rows[2] == NULL ? -wide : step }
            };

            pixels = run.pixels * conv->together;
            tinyc_mve_nine(&run);
        }
        x += pixels;
        count -= pixels;
        out += pixels * channels;
    }
}
