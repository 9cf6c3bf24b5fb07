/* ln x to 11 digits for finite x > 0: x = m 2^n with sqrt(1/2) <= m < sqrt(2), and the series of
 * ln m = 2 artanh ((m - 1) / (m + 1)). */
static inline TINYC_HOT_ATTR double tinyc_log_positive(float x)
{
    union {
        float value;
        uint32_t bits;
    } u;
    int32_t n = -127;

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

    const double m = (double)u.value;
    const double s = (m - 1.0) / (m + 1.0);
    const double z = s * s;
    double p = 1.0 / 15.0;

    p = p * z + 1.0 / 13.0;
    p = p * z + 1.0 / 11.0;
    p = p * z + 1.0 / 9.0;
    p = p * z + 1.0 / 7.0;
    p = p * z + 1.0 / 5.0;
    p = p * z + 1.0 / 3.0;
    p = p * z + 1.0;
    return n * 0.69314718055994531 + 2.0 * s * p;
}
