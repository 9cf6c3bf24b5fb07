/* `count` pixels of an output row, in column x and behind. `rows` are the input's three rows under the kernel, NULL for
 * one of padding; what they point to is column `origin`. `work` takes the columns under as many outputs as are made at
 * a time. */
static TINYC_ROUTINE_ATTR void tinyc_dsp_depthwise_row(
    const struct tinyc_dsp_depthwise *conv, const int8_t *const *rows, int32_t origin, int32_t x, int32_t count,
    int8_t *out, uint32_t *work)
{
    const uint32_t tops = (rows[0] == NULL ? 0xffffu : 0u) | (rows[1] == NULL ? 0xffff0000u : 0u);
    const uint32_t bottoms = rows[2] == NULL ? 0xffffffffu : 0u;
    const int8_t *some = rows[0] != NULL ? rows[0] : rows[1] != NULL ? rows[1] : rows[2];
    const int8_t *top = rows[0] != NULL ? rows[0] : some, *middle = rows[1] != NULL ? rows[1] : some;
    const int8_t *bottom = rows[2] != NULL ? rows[2] : some;
    const int32_t pixel = conv->pixel;

    while (count > 0) {
        const int32_t outputs = count < conv->most ? count : conv->most;
        const int32_t first = x * conv->stride - conv->pad, columns = (outputs - 1) * conv->stride + 3;
        const int32_t begin = tinyc_clamp(-first, 0, columns), end = tinyc_clamp(conv->width - first, begin, columns);
        const int32_t behind = (first + end - origin) * pixel;
        struct tinyc_dsp_filters filters = {
            0, 0, conv->offset, work, out, work + 6 * begin, NULL, NULL, NULL, (begin - end) * pixel, pixel,
            pixel - 4, conv->weights, (outputs & ~1) * pixel, (uint32_t)outputs & 1u, (uint32_t)conv->stride,
            { 0, 0 }, conv->zeros, tops, bottoms
        };

        tinyc_dsp_padded(work, begin, conv->zeros);
        tinyc_dsp_padded(work + 6 * end, columns - end, conv->zeros);
        if (some != NULL && begin < end) {
            filters.top = top + behind;
            filters.middle = middle + behind;
            filters.bottom = bottom + behind;
        } else { /* padding only */
            filters.way = 0;
            filters.dropped_tops = filters.dropped_bottoms = 0xffffffffu;
        }
        if (conv->quads == NULL) {
            conv->multiply(&filters);
        } else {
            conv->each(conv, &filters, outputs, (int8_t *)(work + 6 * ((conv->most - 1) * conv->stride + 3)));
        }
        x += outputs;
        count -= outputs;
        out += outputs * conv->made;
    }
}
