/* 2^n for -126 <= n <= 127, put together from its bits. */
static inline TINYC_HOT_ATTR float tinyc_pow2f(int32_t n)
{
    union {
        uint32_t bits;
        float value;
    } power;

    power.bits = (uint32_t)(n + 127) << 23;
    return power.value;
}
