/* tinyc_requantize to an int8. */
static inline TINYC_HOT_ATTR int8_t tinyc_dsp_byte(int32_t acc, int32_t multiplier, int32_t offset, int shift)
{
#if defined(tinyc_dsp_assembly)
    int32_t y;

    __asm__("smmla %0, %1, %2, %3" : "=r"(y) : "r"(acc), "r"(multiplier), "r"(offset));
    y >>= shift;
    __asm__("ssat %0, #8, %1" : "=r"(y) : "r"(y));
    return (int8_t)y;
#else
    return (int8_t)tinyc_clamp(tinyc_requantize(acc, multiplier, offset, shift), -128, 127);
#endif
}
