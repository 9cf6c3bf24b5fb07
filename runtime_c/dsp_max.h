/* The largest elements under a window, for at least four bytes of them: one pixel, in column x, by a micro-kernel.
 * `rows` are the input's rows under the window, NULL for one of padding; what they point to is column `origin`.
 * Where all is padding bytes are the `lowest`. */
static TINYC_ROUTINE_ATTR void tinyc_dsp_max(
    const struct tinyc_dsp_window *window,
    void (*largest)(int8_t *, const int8_t *, const int32_t *, int32_t, int), int8_t lowest, const int8_t *const *rows,
    int32_t origin, int32_t x, int8_t *out)
{
    const int32_t first = x * window->stride - window->pad, channels = window->channels;
    const int32_t begin = tinyc_dsp_window_begin(window, first), end = tinyc_dsp_window_end(window, first, begin);
    const int32_t step = window->dilation * channels, way[2] = { (begin - end) * step, step };

    int fresh = 1;

    for (int32_t ky = 0; ky < window->rows && begin < end; ++ky) {
        if (rows[ky] != NULL) {
            largest(out, rows[ky] + (first - origin) * channels + end * step, way, channels - 4, fresh);
            fresh = 0;
        }
    }
    for (int32_t c = 0; fresh && c < channels; ++c) {
        out[c] = lowest;
    }
}
