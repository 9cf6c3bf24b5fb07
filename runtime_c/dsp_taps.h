/* The taps of two or three pixels, of which `used` are there, some perhaps padding: the first one's begin in column
 * `first` of the input. */
static TINYC_ROUTINE_ATTR void tinyc_dsp_taps(
    const struct tinyc_dsp_conv *conv, const int8_t *const *rows, int32_t first, int32_t origin, uint32_t *to,
    int32_t lanes, int32_t used)
{
    const int32_t fours = conv->rows * conv->fours / 2 * conv->inputs.many;
    const int32_t filled = conv->filled / 2 * conv->inputs.many;
    int8_t *rests = (int8_t *)(to + 3 * (fours + filled));

    for (int32_t lane = 0; lane < used; ++lane) {
        tinyc_dsp_edge(conv, rows, first + lane * conv->stride, origin, to + lane, lanes, rests);
        tinyc_dsp_widened(&conv->inputs, to + fours * lanes + lane, rests, conv->filled, lanes);
    }
}
