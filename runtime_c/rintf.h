/* The whole number next to x, ties to the even one. From 2^23 on all floats are whole. */
static inline TINYC_HOT_ATTR float tinyc_rintf(float x)
{
    if (!(x > -8388608.0f && x < 8388608.0f)) {
        return x;
    }

    const int32_t n = (int32_t)x;
    const float rest = x - (float)n;
    const int32_t odd = n & 1;

    if (rest > 0.5f || (rest == 0.5f && odd != 0)) {
        return (float)(n + 1);
    }
    if (rest < -0.5f || (rest == -0.5f && odd != 0)) {
        return (float)(n - 1);
    }
    return (float)n;
}
