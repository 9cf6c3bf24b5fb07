/* cos x to 2 units in the last place for |x| up to a million. */
static inline TINYC_HOT_ATTR float tinyc_cosf(float x)
{
    int32_t n = 0;
    const float r = tinyc_quarter_turns(x, &n);
    const float y = (n & 1) != 0 ? tinyc_sin_near(r) : tinyc_cos_near(r);

    return n == 1 || n == 2 ? -y : y;
}
