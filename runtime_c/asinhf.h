/* arsinh x to 4 units in the last place: ln (a + sqrt (1 + a^2)) as ln (1 + a + a / (1 / a + sqrt (1 + 1 / a^2))),
 * which neither cancels near 0 nor overflows. */
static inline TINYC_HOT_ATTR float tinyc_asinhf(float x)
{
    const float a = tinyc_absf(x);

    if (a < 1e-4f) { /* x^3 / 6 is less than a rounding */
        return x;
    }

    const float inverse = 1.0f / a;
    const float y = tinyc_log1pf(a + a / (inverse + tinyc_sqrtf(1.0f + inverse * inverse)));

    return x < 0.0f ? -y : y;
}
