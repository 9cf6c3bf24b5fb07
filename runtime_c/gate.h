/* A function of a sum with 11 fraction bits by straight lines between 257 entries, from -8 to 8. */
static inline TINYC_HOT_ATTR int32_t tinyc_gate(const int16_t *table, int32_t sum)
{
#if defined(__GNUC__) && defined(__ARM_FEATURE_SAT)
    int32_t argument;

    __asm__("ssat %0, #15, %1" : "=r"(argument) : "r"(sum));
#else
    const int32_t argument = tinyc_clamp(sum, -16384, 16383);
#endif
    const int16_t *const entry = table + (argument >> 7) + 128;

    return entry[0] + (((entry[1] - entry[0]) * (argument & 127) + 64) >> 7);
}
