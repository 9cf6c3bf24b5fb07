static inline float tinyc_maxf(float a, float b)
{
    return a > b ? a : b;
}
