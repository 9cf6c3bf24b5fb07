/* As tinyc_truncate, for bounds of more than 32 bits. */
static inline TINYC_HOT_ATTR int64_t tinyc_truncate64(float value, int64_t low, int64_t high)
{
    if (!(value > (float)low)) {
        return low;
    }
    return value >= (float)high ? high : (int64_t)value;
}
