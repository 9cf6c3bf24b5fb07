/* Widens `count` bytes of one pixel, a multiple of four. */
static inline TINYC_HOT_ATTR void tinyc_dsp_widened(
    const struct tinyc_dsp_inputs *inputs, uint32_t *to, const int8_t *from, int32_t count, int32_t lanes)
{
    if (inputs->spread == NULL) {
        tinyc_dsp_spread(to, from, count, lanes);
    } else {
        inputs->spread(to, from, count, lanes, inputs->shift);
    }
}
