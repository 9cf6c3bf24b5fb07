/* `count` pixels of an output row, in column x and behind. `rows` are the input's rows under the kernel, NULL for one
 * of padding; what they point to is column `origin`. `work` takes a word for each tap, and a pixel of padding. */
static TINYC_ROUTINE_ATTR void tinyc_dsp_filter_row(
    const struct tinyc_dsp_filter *filter, const int8_t *const *rows, int32_t origin, int32_t x, int32_t count,
    int8_t *out, int32_t *work)
{
    const struct tinyc_dsp_window *window = &filter->window;
    const int32_t channels = window->channels, step = window->dilation * channels;
    int32_t *const end_of_taps = work + filter->taps; /* each is told by how far it is from the padding */
    int8_t *const padding = (int8_t *)end_of_taps;

    for (int32_t c = 0; c < channels; ++c) {
        padding[c] = (int8_t)filter->zero;
    }
    for (int32_t i = x; i < x + count; ++i, out += channels) {
        const int32_t first = i * window->stride - window->pad;
        const int32_t begin = tinyc_dsp_window_begin(window, first), end = tinyc_dsp_window_end(window, first, begin);
        int32_t *tap = work;

        for (int32_t ky = 0; ky < window->rows; ++ky) {
            const int8_t *pixel = rows[ky] == NULL ? NULL : rows[ky] + (first - origin) * channels + begin * step;

            for (int32_t kx = 0; kx < window->columns; ++kx) {
                if (pixel != NULL && kx >= begin && kx < end) {
                    *tap++ = (int32_t)(pixel - padding);
                    pixel += step;
                } else {
                    *tap++ = 0;
                }
            }
        }
        if (tap < end_of_taps) {
            *tap = 0;
        }
        tinyc_dsp_filtered(filter, work, end_of_taps, padding, out);
    }
}
