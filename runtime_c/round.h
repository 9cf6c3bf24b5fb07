/* Rounds half to even. Beyond 2^21 in magnitude the value is clamped first; NaN gives the lower limit. */
static inline TINYC_HOT_ATTR int32_t tinyc_round(float value)
{
    const float limit = 2097152.0f;
    volatile float shifted = 0.0f; /* keeps the compiler from cancelling the two constants */

    if (!(value > -limit)) {
        value = -limit;
    } else if (value > limit) {
        value = limit;
    }
    shifted = value + 12582912.0f; /* 1.5 * 2^23 leaves no room for a fraction */
    return (int32_t)(shifted - 12582912.0f);
}
