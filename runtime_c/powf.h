/* x^y to 1 unit in the last place, as e^(y ln |x|) in double. Negative x have a power where y is whole. */
static inline TINYC_HOT_ATTR float tinyc_powf(float x, float y)
{
    const float infinity = tinyc_from_bits(0x7f800000u);
    const float a = tinyc_absf(x);
    const int odd = y > -16777216.0f && y < 16777216.0f && (float)(int32_t)y == y && ((int32_t)y & 1) != 0;
    const float sign = x < 0.0f && odd ? -1.0f : 1.0f;

    if (y == 0.0f || x == 1.0f) {
        return 1.0f;
    }
    if (x != x || y != y || (x < 0.0f && tinyc_rintf(y) != y)) {
        return infinity - infinity;
    }
    if (a == 1.0f) {
        return sign;
    }
    if (a == 0.0f || a == infinity) {
        return (a == 0.0f) == (y < 0.0f) ? sign * infinity : 0.0f;
    }

    const double t = (double)y * tinyc_log_positive(a);

    if (t > 104.0) {
        return sign * infinity;
    }
    if (t < -104.0) {
        return 0.0f;
    }

    const double power = tinyc_exp_bounded(t);

    return power > 3.4028235677973366e38 ? sign * infinity : sign * (float)power;
}
