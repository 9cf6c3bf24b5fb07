/* As tinyc_dsp_gather, of two pixels. */
static TINYC_LAYER_ATTR TINYC_HOT_ATTR void tinyc_dsp_gather_two(
    uint32_t *to, const int8_t *const *row, const int8_t *const *end, const int32_t *way)
{
#if defined(tinyc_dsp_assembly)
    register uint32_t *r0 __asm__("r0") = to;
    register const int8_t *const *r1 __asm__("r1") = row;
    register const int8_t *const *r2 __asm__("r2") = end;
    register const int32_t *r3 __asm__("r3") = way;

    __asm__ volatile(
        "push {r4-r10, lr}\n"
        "1:\n"
        "ldm r3, {r8, r9, r10}\n"
        "ldr r12, [r1], #4\n"
        "add r8, r12, r8\n"
        "add r9, r8, r9\n"
        "add lr, r8, r10\n"
        "b 3f\n"
        "2:\n"
        "ldr r6, [r8], #4\n"
        "ldr r7, [r9], #4\n"
        "sxtb16 r4, r6\n"
        "sxtb16 r5, r7\n"
        "sxtb16 r6, r6, ror #8\n"
        "sxtb16 r7, r7, ror #8\n"
        "stm r0!, {r4-r7}\n"
        "3:\n"
        "cmp r8, lr\n"
        "bne 2b\n"
        "cmp r1, r2\n"
        "bne 1b\n"
        "pop {r4-r10, lr}\n"
        : "+r"(r0), "+r"(r1), "+r"(r2), "+r"(r3) : : "r12", "lr", "cc", "memory");
#else
    for (; row < end; ++row, to += way[2]) {
        tinyc_dsp_spread(to, *row + way[0], way[2], 2);
        tinyc_dsp_spread(to + 1, *row + way[0] + way[1], way[2], 2);
    }
#endif
}
