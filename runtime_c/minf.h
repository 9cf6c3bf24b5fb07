static inline float tinyc_minf(float a, float b)
{
    return a < b ? a : b;
}
