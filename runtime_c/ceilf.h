/* The least whole number >= x. From 2^23 on all floats are whole. */
static inline TINYC_HOT_ATTR float tinyc_ceilf(float x)
{
    if (!(x > -8388608.0f && x < 8388608.0f)) {
        return x;
    }

    const float t = (float)(int32_t)x;

    return t < x ? t + 1.0f : t;
}
