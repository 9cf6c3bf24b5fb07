static inline TINYC_HOT_ATTR float tinyc_minf(float a, float b)
{
    return a < b ? a : b;
}
