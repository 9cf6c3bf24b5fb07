/* As for four pixels, with two. */
#if defined(tinyc_fma_assembly)
#  define TINYC_FMA_TWO_TURN \
    "vldmia r1!, {s16-s23}\n" \
    "vldmia r2!, {s24-s25}\n" \
    "vldmia r3!, {s26-s27}\n" \
    TINYC_FMA_FOUR(0, 1, 2, 3, 16, 17, 18, 19, 24) \
    TINYC_FMA_FOUR(4, 5, 6, 7, 16, 17, 18, 19, 26) \
    TINYC_FMA_FOUR(0, 1, 2, 3, 20, 21, 22, 23, 25) \
    TINYC_FMA_FOUR(4, 5, 6, 7, 20, 21, 22, 23, 27)
#  define TINYC_FMA_TWO_LAST \
    "vldmia r1!, {s16-s19}\n" \
    "vldr s24, [r2]\n" \
    "vldr s26, [r3]\n" \
    TINYC_FMA_FOUR(0, 1, 2, 3, 16, 17, 18, 19, 24) \
    TINYC_FMA_FOUR(4, 5, 6, 7, 16, 17, 18, 19, 26)
#endif
static TINYC_LAYER_ATTR TINYC_HOT_ATTR void tinyc_fma_two(struct tinyc_fma_tile *tile)
{
#if defined(tinyc_fma_assembly)
    register struct tinyc_fma_tile *at __asm__("r0") = tile;

    __asm__ volatile(
        TINYC_FMA_BEGIN("", "vldmia r6, {s4-s7}\n")
        "add r3, r2, r10\n"
        "bics r6, r12, #7\n"
        "beq 4f\n"
        "add r6, r6, r2\n"
        "3:\n"
        TINYC_FMA_TWO_TURN
        "cmp r2, r6\n"
        "bne 3b\n"
        "4:\n"
        "tst r12, #4\n"
        "beq 5f\n"
        TINYC_FMA_TWO_LAST
        "5:\n"
        TINYC_FMA_END("", "add r2, r2, r3\n" "vstmia r2, {s4-s7}\n")
        : : "r"(at) : TINYC_FMA_USED);
#else
    tinyc_fma_portable(tile, 2);
#endif
}
