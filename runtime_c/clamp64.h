static inline TINYC_HOT_ATTR int64_t tinyc_clamp64(int64_t value, int64_t low, int64_t high)
{
    return value < low ? low : value > high ? high : value;
}
