/* sin x to 2 units in the last place for |x| up to a million. */
static inline TINYC_HOT_ATTR float tinyc_sinf(float x)
{
    int32_t n = 0;
    const float r = tinyc_quarter_turns(x, &n);
    const float y = (n & 1) != 0 ? tinyc_cos_near(r) : tinyc_sin_near(r);

    return (n & 2) != 0 ? -y : y;
}
