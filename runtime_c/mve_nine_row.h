/* `count` pixels of an output row by a kernel of 3 rows and 3 columns, in column x and behind. `rows` are the input's
 * rows under the kernel, NULL for one of padding; what they point to is column `origin`. */
static TINYC_ROUTINE_ATTR void tinyc_mve_nine_row(
    const struct tinyc_mve_depthwise *conv, const int8_t *const *rows, int32_t origin, int32_t x, int32_t count,
    int8_t *out)
{
    const int32_t channels = conv->channels, apart = conv->dilation * channels, wide = channels * conv->together;
    const int32_t extent = 2 * conv->dilation, most = conv->width - extent - 1;
    int32_t first = x * conv->stride - conv->pad;

    while (count > 0) {
        const int whole = first >= 0 && first <= most; /* as many pixels as have all columns inside */
        const int32_t room = whole ? (most - first) / conv->stride + 1 : 1, pixels = room < count ? room : count;
        const int32_t middle = first + conv->dilation, last = first + extent;
        struct tinyc_mve_run run; /* filled in bit by bit: compilers would clear it first */

        run.weights = conv->weights;
        run.out = out;
        run.last = wide - 16;
        run.offset = conv->offset;
        for (int32_t ky = 0; ky < 3; ++ky) {
            const int8_t *row = rows[ky] == NULL ? conv->padding : rows[ky] + (first - origin) * channels;
            const int8_t **taps = &run.taps[3 * ky];

            if (rows[ky] == NULL) {
                taps[0] = taps[1] = taps[2] = row;
                run.steps[ky] = -wide;
                continue;
            }
            taps[0] = first >= 0 && first < conv->width ? row : conv->padding;
            taps[1] = middle >= 0 && middle < conv->width ? row + apart : conv->padding;
            taps[2] = last >= 0 && last < conv->width ? row + 2 * apart : conv->padding;
            run.steps[ky] = wide * conv->stride - wide;
        }
        run.pixels = conv->together == 1 ? pixels : pixels / conv->together;
        if (run.pixels == 0) {
            tinyc_mve_filter(conv, run.taps, out);
        } else {
            tinyc_mve_nine(&run);
        }

        const int32_t made = run.pixels == 0 ? 1 : run.pixels * conv->together;

        count -= made;
        first += made * conv->stride;
        out += made * channels;
    }
}
