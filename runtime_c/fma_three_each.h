/* As for four pixels, with three. */
#if defined(tinyc_fma_assembly)
#  define TINYC_FMA_THREE_EACH_TAP \
    "vldmia r1!, {s16-s19}\n" \
    "vldmia r2, {s20-s23}\n" \
    "add r2, r2, r10\n" \
    TINYC_FMA_EACH(0, 1, 2, 3, 20, 21, 22, 23) \
    "vldmia r2, {s24-s27}\n" \
    "add r2, r2, r10\n" \
    TINYC_FMA_EACH(4, 5, 6, 7, 24, 25, 26, 27) \
    "vldmia r2, {s20-s23}\n" \
    "add r2, r2, r5\n" \
    TINYC_FMA_EACH(8, 9, 10, 11, 20, 21, 22, 23)
#endif
static TINYC_LAYER_ATTR TINYC_HOT_ATTR void tinyc_fma_three_each(struct tinyc_fma_tile *tile)
{
#if defined(tinyc_fma_assembly)
    register struct tinyc_fma_tile *at __asm__("r0") = tile;

    __asm__ volatile(
        TINYC_FMA_BEGIN("ldr r5, [r0, #48]\n" "sub r5, r5, r10, lsl #1\n", "vldmia r6, {s4-s7}\n"
                        "vldmia r6, {s8-s11}\n")
        "movs r6, r12\n"
        "beq 4f\n"
        "3:\n"
        TINYC_FMA_THREE_EACH_TAP
        "subs r6, r6, #1\n"
        "bne 3b\n"
        "4:\n"
        TINYC_FMA_END("add r9, r9, #16\n", "add r2, r2, r3\n" "vstmia r2, {s4-s7}\n" "add r2, r2, r3\n"
                      "vstmia r2, {s8-s11}\n")
        : : "r"(at) : TINYC_FMA_USED);
#else
    tinyc_fma_portable_each(tile, 3);
#endif
}
