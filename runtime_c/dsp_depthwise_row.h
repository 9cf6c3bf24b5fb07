/* `count` pixels of an output row, in column x and behind. `rows` are the input's three rows under the kernel, NULL for
 * one of padding; what they point to is column `origin`. `work` takes the columns under as many outputs as are made at
 * a time. The last four channels may be some that were made already. */
static TINYC_ROUTINE_ATTR void tinyc_dsp_depthwise_row(
    const struct tinyc_dsp_depthwise *conv, const int8_t *const *rows, int32_t origin, int32_t x, int32_t count,
    int8_t *out, uint32_t *work)
{
    const uint32_t zeros = (uint32_t)(conv->zero & 0xffff) * 0x10001u;
    const int8_t *some = rows[0] != NULL ? rows[0] : rows[1] != NULL ? rows[1] : rows[2];
    const int8_t *top = rows[0] != NULL ? rows[0] : some, *middle = rows[1] != NULL ? rows[1] : some;
    const int8_t *bottom = rows[2] != NULL ? rows[2] : some;

    const int partial = rows[0] == NULL || rows[1] == NULL || rows[2] == NULL;
    const int32_t channels = conv->channels;

    while (count > 0) {
        const int32_t outputs = count < conv->most ? count : conv->most;
        const int32_t first = x * conv->stride - conv->pad, columns = (outputs - 1) * conv->stride + 3;
        const int32_t begin = some == NULL ? columns : tinyc_clamp(-first, 0, columns);
        const int32_t end = tinyc_clamp(conv->width - first, begin, columns);
        const int32_t behind = (first + end - origin) * channels, way[2] = { (begin - end) * channels, channels };
        struct tinyc_dsp_filters filters = {
            { 0, 0 }, 0, conv->offset, work, out, channels, (outputs & ~1) * channels, outputs & 1,
            conv->weights, 4, conv->stride
        };

        tinyc_dsp_padded(work, begin, zeros);
        tinyc_dsp_padded(work + 6 * end, columns - end, zeros);
        for (int32_t at = 0;;) {
            if (begin < end) {
                uint32_t *to = work + 6 * begin;

                tinyc_dsp_columns(to, top + behind + at, middle + behind + at, bottom + behind + at, way);
                if (partial) {
                    tinyc_dsp_rows(to, end - begin, rows, zeros);
                }
            }
            tinyc_dsp_three_by_three(&filters);
            if (at + 4 == channels) {
                break;
            }
            at = at + 8 > channels ? channels - 4 : at + 4;
            filters.out = out + at;
            filters.weights += 20;
        }
        x += outputs;
        count -= outputs;
        out += outputs * channels;
    }
}
