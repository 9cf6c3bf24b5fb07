/* Elements between the bounds of an activation, which are narrower than a byte. */
static inline TINYC_HOT_ATTR void tinyc_dsp_clamp(int8_t *values, int32_t count, int32_t low, int32_t high)
{
    for (int32_t i = 0; i < count; ++i) {
        values[i] = (int8_t)tinyc_clamp(values[i], low, high);
    }
}
