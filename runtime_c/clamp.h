static inline TINYC_HOT_ATTR int32_t tinyc_clamp(int32_t value, int32_t low, int32_t high)
{
    return value < low ? low : value > high ? high : value;
}
