/* Float to integer as a cast does it, rounding toward 0; values beyond the bounds give the bounds, and what is not
 * a number gives the lower one. */
static inline TINYC_HOT_ATTR int32_t tinyc_truncate(float value, int32_t low, int32_t high)
{
    if (!(value > (float)low)) {
        return low;
    }
    return value >= (float)high ? high : (int32_t)value;
}
