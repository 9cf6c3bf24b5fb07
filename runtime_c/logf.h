/* ln x to 1 unit in the last place: x = m 2^n with sqrt(1/2) <= m < sqrt(2), a polynomial in m - 1 (Cephes).
 * ln 0 is minus infinity, the logarithm of a negative number is not a number. */
static inline TINYC_HOT_ATTR float tinyc_logf(float x)
{
    union {
        float value;
        uint32_t bits;
    } u;
    int32_t n = -127;

    u.bits = 0x7f800000u; /* infinity */
    if (!(x > 0.0f)) {
        return x == 0.0f ? -u.value : u.value - u.value;
    }
    if (x == u.value) {
        return x;
    }
    if (x < 1.17549435e-38f) { /* below the least normal number */
        x *= 8388608.0f;
        n -= 23;
    }
    u.value = x;
    n += (int32_t)(u.bits >> 23);
    u.bits = (u.bits & 0x007fffffu) | 0x3f800000u;
    if (u.value > 1.41421356f) {
        u.value *= 0.5f;
        ++n;
    }

    const float m = u.value - 1.0f;
    const float square = m * m;
    float p = 7.0376836292e-2f;

    p = p * m - 1.1514610310e-1f;
    p = p * m + 1.1676998740e-1f;
    p = p * m - 1.2420140846e-1f;
    p = p * m + 1.4249322787e-1f;
    p = p * m - 1.6668057665e-1f;
    p = p * m + 2.0000714765e-1f;
    p = p * m - 2.4999993993e-1f;
    p = p * m + 3.3333331174e-1f;
    p = p * m * square - (float)n * 2.12194440e-4f - 0.5f * square;
    return m + p + (float)n * 0.693359375f;
}
