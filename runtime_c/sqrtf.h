/* The square root of x to 1 unit in the last place: Newton's steps for 1 / sqrt(m) from a guess made of x's bits,
 * and one for the root itself. Negative numbers give not a number. */
static inline TINYC_HOT_ATTR float tinyc_sqrtf(float x)
{
    union {
        float value;
        uint32_t bits;
    } u;
    float scale = 1.0f;

    u.bits = 0x7f800000u; /* infinity */
    if (!(x > 0.0f)) {
        return x == 0.0f ? x : u.value - u.value;
    }
    if (x == u.value) {
        return x;
    }
    if (x < 1.17549435e-38f) { /* below the least normal number */
        x *= 16777216.0f;
        scale = 0.000244140625f;
    }
    u.value = x;
    u.bits = 0x5f375a86u - (u.bits >> 1);
    for (int i = 0; i < 3; ++i) {
        u.value *= 1.5f - 0.5f * x * u.value * u.value;
    }

    const float root = x * u.value;
    return (root + 0.5f * u.value * (x - root * root)) * scale;
}
