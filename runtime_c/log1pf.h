/* ln (1 + x) to 2 units in the last place, also where x is near 0: the rounding of u = 1 + x is made good by the
 * factor x / (u - 1) (Goldberg 1991, theorem 4). */
static inline TINYC_HOT_ATTR float tinyc_log1pf(float x)
{
    const float u = 1.0f + x;

    if (u == 1.0f) {
        return x;
    }
    return u - 1.0f == x ? tinyc_logf(u) : tinyc_logf(u) * (x / (u - 1.0f));
}
