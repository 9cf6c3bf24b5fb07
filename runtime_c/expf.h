/* e^x to 1 unit in the last place: x = n ln 2 + r with |r| <= ln 2 / 2, a polynomial in r, times 2^n.
 * The power is applied in two halves so that results below the least normal number come out right. */
static inline TINYC_HOT_ATTR float tinyc_expf(float x)
{
    if (x != x) {
        return x;
    }
    if (x > 88.8f) {
        x = 90.0f; /* overflows to infinity below */
    } else if (x < -104.0f) {
        return 0.0f;
    }

    const int32_t n = (int32_t)(x * 1.44269504f + (x < 0.0f ? -0.5f : 0.5f));
    const float r = x - (float)n * 0.693359375f + (float)n * 2.12194440e-4f;

    return (tinyc_expm1_near(r) + 1.0f) * tinyc_pow2f(n / 2) * tinyc_pow2f(n - n / 2);
}
