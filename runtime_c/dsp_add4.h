/* Adds pixels of a row to the sums of their channels, as dsp_add_pixels.h does, of elements of 4 bits, to which 8 is
 * added: sizes are in bytes, pixels at most 17. Four bytes have four words of sums: of the lower halves of bytes 0
 * and 2, of bytes 1 and 3, and of their upper halves. */
static TINYC_LAYER_ATTR TINYC_HOT_ATTR void tinyc_dsp_add4(
    uint32_t *sums, const int8_t *row, const int32_t *way, int32_t rest)
{
#if defined(tinyc_dsp_assembly)
    register uint32_t *r0 __asm__("r0") = sums;
    register const int8_t *r1 __asm__("r1") = row;
    register const int32_t *r2 __asm__("r2") = way;
    register int32_t r3 __asm__("r3") = rest;

    __asm__ volatile(
        "push {r4-r10}\n"
        "ldrd r2, r12, [r2]\n"
        "mov.w r9, #0x0F0F0F0F\n"
        "1:\n"
        "mov r4, #0\n"
        "mov r5, #0\n"
        "mov r6, r2\n"
        "2:\n"
        "ldr r7, [r1, r6]\n"
        "adds r6, r6, r12\n"
        "eor r7, r7, #0x88888888\n"
        "and r8, r9, r7\n"
        "and r7, r9, r7, lsr #4\n"
        "add r4, r4, r8\n"
        "add r5, r5, r7\n"
        "bne 2b\n"
        "ldm r0, {r6-r8, r10}\n"
        "uxtab16 r6, r6, r4\n"
        "uxtab16 r7, r7, r4, ror #8\n"
        "uxtab16 r8, r8, r5\n"
        "uxtab16 r10, r10, r5, ror #8\n"
        "stm r0!, {r6-r8, r10}\n"
        "subs r3, r3, #4\n"
        "itee ge\n"
        "addge r1, r1, #4\n"
        "addlt r1, r1, r3\n"
        "addlt r1, r1, #4\n"
        "cmp r3, #-4\n"
        "bgt 1b\n"
        "pop {r4-r10}\n"
        : "+r"(r0), "+r"(r1), "+r"(r2), "+r"(r3) : : "r12", "cc", "memory");
#else
    tinyc_dsp_portable_add(sums, row, way, rest, 4);
#endif
}
