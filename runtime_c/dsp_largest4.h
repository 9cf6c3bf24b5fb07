/* As dsp_largest.h, of elements of 4 bits: sizes are in bytes. */
static TINYC_LAYER_ATTR TINYC_HOT_ATTR void tinyc_dsp_largest4(
    int8_t *best, const int8_t *row, const int32_t *way, int32_t rest, int first)
{
#if defined(tinyc_dsp_assembly)
    register int8_t *r0 __asm__("r0") = best;
    register const int8_t *r1 __asm__("r1") = row;
    register const int32_t *r2 __asm__("r2") = way;
    register int32_t r3 __asm__("r3") = rest;

    __asm__ volatile(
        "push {r4-r11}\n"
        "mov r8, %4\n"
        "ldrd r2, r12, [r2]\n"
        "mov.w r9, #0xF0F0F0F0\n"
        "1:\n"
        "mov.w r7, #0x88888888\n"
        "cmp r8, #0\n"
        "it eq\n"
        "ldreq r7, [r0]\n"
        "and r4, r9, r7\n"
        "and r5, r9, r7, lsl #4\n"
        "mov r6, r2\n"
        "2:\n"
        "ldr r7, [r1, r6]\n"
        "and r10, r9, r7\n"
        "and r11, r9, r7, lsl #4\n"
        "ssub8 r7, r4, r10\n"
        "sel r4, r4, r10\n"
        "ssub8 r7, r5, r11\n"
        "sel r5, r5, r11\n"
        "adds r6, r6, r12\n"
        "bne 2b\n"
        "orr r4, r4, r5, lsr #4\n"
        "str r4, [r0]\n"
        "subs r3, r3, #4\n"
        "ite ge\n"
        "movge r4, #4\n"
        "addlt r4, r3, #4\n"
        "add r0, r0, r4\n"
        "add r1, r1, r4\n"
        "cmp r3, #-4\n"
        "bgt 1b\n"
        "pop {r4-r11}\n"
        : "+r"(r0), "+r"(r1), "+r"(r2), "+r"(r3) : "r"(first) : "r12", "cc", "memory");
#else
    tinyc_dsp_portable_largest(best, row, way, rest, first, 4);
#endif
}
