/* One pixel: 16 products in 20 instructions, for four taps. */
#if defined(tinyc_fma_assembly)
#  define TINYC_FMA_ONE_TURN \
    "vldmia r2!, {s4-s7}\n" \
    "vldmia r1!, {s16-s31}\n" \
    TINYC_FMA_FOUR(0, 1, 2, 3, 16, 17, 18, 19, 4) \
    TINYC_FMA_FOUR(0, 1, 2, 3, 20, 21, 22, 23, 5) \
    TINYC_FMA_FOUR(0, 1, 2, 3, 24, 25, 26, 27, 6) \
    TINYC_FMA_FOUR(0, 1, 2, 3, 28, 29, 30, 31, 7)
#  define TINYC_FMA_ONE_LAST \
    "vldmia r2!, {s4}\n" \
    "vldmia r1!, {s16-s19}\n" \
    TINYC_FMA_FOUR(0, 1, 2, 3, 16, 17, 18, 19, 4)
#endif
static TINYC_LAYER_ATTR TINYC_HOT_ATTR void tinyc_fma_one(struct tinyc_fma_tile *tile)
{
#if defined(tinyc_fma_assembly)
    register struct tinyc_fma_tile *at __asm__("r0") = tile;

    __asm__ volatile(
        TINYC_FMA_BEGIN("", "")
        "bics r6, r12, #15\n"
        "beq 4f\n"
        "add r6, r6, r2\n"
        "3:\n"
        TINYC_FMA_ONE_TURN
        "cmp r2, r6\n"
        "bne 3b\n"
        "4:\n"
        "ands r6, r12, #12\n"
        "beq 5f\n"
        "7:\n"
        TINYC_FMA_ONE_LAST
        "subs r6, r6, #4\n"
        "bne 7b\n"
        "5:\n"
        TINYC_FMA_END("", "")
        : : "r"(at) : TINYC_FMA_USED);
#else
    tinyc_fma_portable(tile, 1);
#endif
}
