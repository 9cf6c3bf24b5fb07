/* As tinyc_dsp_spread, for two or three pixels that lie `step` bytes apart: it returns where the next words go. */
static TINYC_LAYER_ATTR TINYC_HOT_ATTR uint32_t *tinyc_dsp_widen(
    uint32_t *to, const int8_t *from, int32_t step, int32_t count, int32_t lanes)
{
#if defined(__GNUC__) && defined(__thumb2__) && defined(__ARM_FEATURE_DSP)
    register uint32_t *words __asm__("r0") = to;
    register const int8_t *first __asm__("r1") = from;
    register const int8_t *second __asm__("r2") = from + step;
    register const int8_t *end __asm__("r3") = from + count;
    register const int8_t *third __asm__("r12") = from + 2 * step;

    if (lanes == 3) {
        __asm__ volatile(
            "push {r4-r9}\n"
            "1:\n"
            "ldr r7, [r1], #4\n"
            "ldr r8, [r2], #4\n"
            "ldr r9, [r12], #4\n"
            "sxtb16 r4, r7\n"
            "sxtb16 r5, r8\n"
            "sxtb16 r6, r9\n"
            "sxtb16 r7, r7, ror #8\n"
            "sxtb16 r8, r8, ror #8\n"
            "sxtb16 r9, r9, ror #8\n"
            "stm r0!, {r4-r9}\n"
            "cmp r1, r3\n"
            "bne 1b\n"
            "pop {r4-r9}\n"
            : "+r"(words), "+r"(first), "+r"(second), "+r"(end), "+r"(third) : : "cc", "memory");
    } else {
        __asm__ volatile(
            "push {r4-r7}\n"
            "1:\n"
            "ldr r6, [r1], #4\n"
            "ldr r7, [r2], #4\n"
            "sxtb16 r4, r6\n"
            "sxtb16 r5, r7\n"
            "sxtb16 r6, r6, ror #8\n"
            "sxtb16 r7, r7, ror #8\n"
            "stm r0!, {r4-r7}\n"
            "cmp r1, r3\n"
            "bne 1b\n"
            "pop {r4-r7}\n"
            : "+r"(words), "+r"(first), "+r"(second), "+r"(end) : : "cc", "memory");
    }
    return words;
#else
    for (int32_t lane = 0; lane < lanes; ++lane) {
        tinyc_dsp_spread(to + lane, from + lane * step, count, lanes);
    }
    return to + count / 2 * lanes;
#endif
}
