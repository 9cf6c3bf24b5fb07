/* e^x - 1 to 4 units in the last place, also where e^x is near 1. */
static inline TINYC_HOT_ATTR float tinyc_expm1f(float x)
{
    return x > -0.34657359f && x < 0.34657359f ? tinyc_expm1_near(x) : tinyc_expf(x) - 1.0f;
}
