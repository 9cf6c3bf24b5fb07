static inline float tinyc_absf(float value)
{
    return value < 0.0f ? -value : value;
}
