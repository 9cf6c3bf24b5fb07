/* The nearest number of 16 bits. */
static inline TINYC_HOT_ATTR int16_t tinyc_saturate16(int32_t value)
{
#if defined(__GNUC__) && defined(__ARM_FEATURE_SAT)
    int32_t nearest;

    __asm__("ssat %0, #16, %1" : "=r"(nearest) : "r"(value));
    return (int16_t)nearest;
#else
    return (int16_t)(value < -32768 ? -32768 : value > 32767 ? 32767 : value);
#endif
}
