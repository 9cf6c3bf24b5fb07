/* Bounds of an activation, in place. */
static TINYC_LAYER_ATTR TINYC_HOT_ATTR void tinyc_fma_clamp(float *values, int32_t count, float low, float high)
{
    for (; count > 0; --count, ++values) {
        *values = tinyc_clampf(*values, low, high);
    }
}
