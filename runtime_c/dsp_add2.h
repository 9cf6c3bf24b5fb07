/* As dsp_add4.h, of elements of 2 bits, to which 2 is added, and of at most 85 pixels: eight words of sums, for the
 * lowest two bits of bytes 0 and 2, of bytes 1 and 3, for the next two and so on. */
#if defined(tinyc_dsp_assembly)
#  define TINYC_DSP_WIDER(sum) \
    "ldrd r10, r11, [r0]\n" \
    "uxtab16 r10, r10, " sum "\n" \
    "uxtab16 r11, r11, " sum ", ror #8\n" \
    "strd r10, r11, [r0], #8\n"
#endif
static TINYC_LAYER_ATTR TINYC_HOT_ATTR void tinyc_dsp_add2(
    uint32_t *sums, const int8_t *row, const int32_t *way, int32_t rest)
{
#if defined(tinyc_dsp_assembly)
    register uint32_t *r0 __asm__("r0") = sums;
    register const int8_t *r1 __asm__("r1") = row;
    register const int32_t *r2 __asm__("r2") = way;
    register int32_t r3 __asm__("r3") = rest;

    __asm__ volatile(
        "push {r4-r11, lr}\n"
        "ldrd r2, r12, [r2]\n"
        "mov.w r9, #0x03030303\n"
        "1:\n"
        "mov r4, #0\n"
        "mov r5, #0\n"
        "mov r6, #0\n"
        "mov r8, #0\n"
        "mov lr, r2\n"
        "2:\n"
        "ldr r7, [r1, lr]\n"
        "adds lr, lr, r12\n"
        "eor r7, r7, #0xAAAAAAAA\n"
        "and r10, r9, r7\n"
        "and r11, r9, r7, lsr #2\n"
        "add r4, r4, r10\n"
        "add r5, r5, r11\n"
        "and r10, r9, r7, lsr #4\n"
        "and r11, r9, r7, lsr #6\n"
        "add r6, r6, r10\n"
        "add r8, r8, r11\n"
        "bne 2b\n"
        TINYC_DSP_WIDER("r4") TINYC_DSP_WIDER("r5") TINYC_DSP_WIDER("r6") TINYC_DSP_WIDER("r8")
        "subs r3, r3, #4\n"
        "itee ge\n"
        "addge r1, r1, #4\n"
        "addlt r1, r1, r3\n"
        "addlt r1, r1, #4\n"
        "cmp r3, #-4\n"
        "bgt 1b\n"
        "pop {r4-r11, lr}\n"
        : "+r"(r0), "+r"(r1), "+r"(r2), "+r"(r3) : : "r12", "cc", "memory");
#else
    tinyc_dsp_portable_add(sums, row, way, rest, 2);
#endif
}
