static inline float tinyc_clampf(float value, float low, float high)
{
    return value < low ? low : value > high ? high : value;
}
