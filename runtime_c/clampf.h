static inline TINYC_HOT_ATTR float tinyc_clampf(float value, float low, float high)
{
    return value < low ? low : value > high ? high : value;
}
