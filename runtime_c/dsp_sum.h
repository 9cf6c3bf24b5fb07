/* (offset + a * multipliers' lower half + b * their upper half) >> 13, of `count` elements. */
static TINYC_LAYER_ATTR TINYC_HOT_ATTR void tinyc_dsp_sum(
    const int8_t *a, const int8_t *b, int8_t *out, int32_t count, uint32_t multipliers, int32_t offset)
{
    int8_t *const end = out + count;

#if defined(tinyc_dsp_assembly)
    for (int8_t *const fours = out + (count & ~3); out < fours;) {
        uint32_t x, y, sums[2];

        __asm__ volatile(
                "ldr %0, [%4], #4\n"
                "ldr %1, [%5], #4\n"
                "sxtb16 %2, %0\n"
                "sxtb16 %3, %1\n"
                "sxtb16 %0, %0, ror #8\n"
                "sxtb16 %1, %1, ror #8\n"
                "pkhbt r12, %2, %3, lsl #16\n"
                "pkhtb %3, %3, %2, asr #16\n"
                "pkhbt %2, %0, %1, lsl #16\n"
                "pkhtb %1, %1, %0, asr #16\n"
                "smlad %0, r12, %7, %8\n"
                "smlad %2, %2, %7, %8\n"
                "smlad %3, %3, %7, %8\n"
                "smlad %1, %1, %7, %8\n"
                "ssat %0, #8, %0, asr #13\n"
                "ssat %2, #8, %2, asr #13\n"
                "ssat %3, #8, %3, asr #13\n"
                "ssat %1, #8, %1, asr #13\n"
                "bfi %0, %2, #8, #8\n"
                "bfi %0, %3, #16, #8\n"
                "bfi %0, %1, #24, #8\n"
                "str %0, [%6], #4\n"
                : "=&r"(x), "=&r"(y), "=&r"(sums[0]), "=&r"(sums[1]),
                  "+&r"(a), "+&r"(b), "+&r"(out)
                : "r"(multipliers), "r"(offset) : "r12", "memory");
    }
#endif
    for (; out < end; ++out, ++a, ++b) {
        *out = (int8_t)tinyc_clamp(
            (offset + *a * (int16_t)multipliers + *b * (int16_t)(multipliers >> 16)) >> 13, -128, 127);
    }
}
