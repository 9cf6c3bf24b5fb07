/* e^t to 11 digits for |t| <= 104: t = n ln 2 + r with |r| <= ln 2 / 2, Taylor's series in r, times 2^n. */
static inline TINYC_HOT_ATTR double tinyc_exp_bounded(double t)
{
    const int32_t n = (int32_t)(t * 1.4426950408889634 + (t < 0.0 ? -0.5 : 0.5));
    const double r = t - n * 0.69314718055994531;
    double p = 1.0 / 3628800.0;

    p = p * r + 1.0 / 362880.0;
    p = p * r + 1.0 / 40320.0;
    p = p * r + 1.0 / 5040.0;
    p = p * r + 1.0 / 720.0;
    p = p * r + 1.0 / 120.0;
    p = p * r + 1.0 / 24.0;
    p = p * r + 1.0 / 6.0;
    p = p * r + 0.5;
    p = p * r + 1.0;
    p = p * r + 1.0;
    return p * (double)tinyc_pow2f(n / 2) * (double)tinyc_pow2f(n - n / 2);
}
