static inline TINYC_HOT_ATTR float tinyc_absf(float value)
{
    return value < 0.0f ? -value : value;
}
