/* What slides over an input: sizes in pixels, `columns` and so on of columns. */
struct tinyc_dsp_window {
    int32_t channels;      /* bytes of a pixel of the input */
    int32_t rows, columns; /* of the kernel */
    int32_t stride, dilation, pad;
    int32_t width;         /* columns of the input */
};
/* The first tap of a row, whose column in the input is `first`, that is inside of it; and the one behind the last. */
static inline TINYC_HOT_ATTR int32_t tinyc_dsp_window_begin(const struct tinyc_dsp_window *window, int32_t first)
{
    if (first >= 0) {
        return 0;
    }
    return tinyc_clamp((window->dilation - 1 - first) / window->dilation, 0, window->columns);
}
static inline TINYC_HOT_ATTR int32_t tinyc_dsp_window_end(
    const struct tinyc_dsp_window *window, int32_t first, int32_t begin)
{
    const int32_t room = window->width - first;

    if (room > (window->columns - 1) * window->dilation) {
        return window->columns;
    }
    return tinyc_clamp(room > 0 ? (room + window->dilation - 1) / window->dilation : 0, begin, window->columns);
}
