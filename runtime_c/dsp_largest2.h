/* As dsp_largest.h, of elements of 2 bits: sizes are in bytes. */
#if defined(tinyc_dsp_assembly)
#  define TINYC_DSP_LARGER2(best, shift) \
    "and r10, r9, r7" shift "\n" \
    "ssub8 r11, " best ", r10\n" \
    "sel " best ", " best ", r10\n"
#endif
static TINYC_LAYER_ATTR TINYC_HOT_ATTR void tinyc_dsp_largest2(
    int8_t *best, const int8_t *row, const int32_t *way, int32_t rest, int first)
{
#if defined(tinyc_dsp_assembly)
    register int8_t *r0 __asm__("r0") = best;
    register const int8_t *r1 __asm__("r1") = row;
    register const int32_t *r2 __asm__("r2") = way;
    register int32_t r3 __asm__("r3") = rest;

    __asm__ volatile(
        "push {r4-r11, lr}\n"
        "mov lr, %4\n"
        "ldrd r2, r12, [r2]\n"
        "mov.w r9, #0xC0C0C0C0\n"
        "1:\n"
        "mov.w r7, #0xAAAAAAAA\n"
        "cmp lr, #0\n"
        "it eq\n"
        "ldreq r7, [r0]\n"
        "and r4, r9, r7\n"
        "and r5, r9, r7, lsl #2\n"
        "and r6, r9, r7, lsl #4\n"
        "and r8, r9, r7, lsl #6\n"
        "push {r2}\n"
        "2:\n"
        "ldr r7, [r1, r2]\n"
        TINYC_DSP_LARGER2("r4", "")
        TINYC_DSP_LARGER2("r5", ", lsl #2")
        TINYC_DSP_LARGER2("r6", ", lsl #4")
        TINYC_DSP_LARGER2("r8", ", lsl #6")
        "adds r2, r2, r12\n"
        "bne 2b\n"
        "pop {r2}\n"
        "orr r4, r4, r5, lsr #2\n"
        "orr r4, r4, r6, lsr #4\n"
        "orr r4, r4, r8, lsr #6\n"
        "str r4, [r0]\n"
        "subs r3, r3, #4\n"
        "ite ge\n"
        "movge r4, #4\n"
        "addlt r4, r3, #4\n"
        "add r0, r0, r4\n"
        "add r1, r1, r4\n"
        "cmp r3, #-4\n"
        "bgt 1b\n"
        "pop {r4-r11, lr}\n"
        : "+r"(r0), "+r"(r1), "+r"(r2), "+r"(r3) : "r"(first) : "r12", "cc", "memory");
#else
    tinyc_dsp_portable_largest(best, row, way, rest, first, 2);
#endif
}
