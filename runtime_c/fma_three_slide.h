/* As for four pixels, with three. */
#if defined(tinyc_fma_assembly)
#  define TINYC_FMA_THREE_SLIDE \
    "vldmia r1!, {s16-s27}\n" \
    "vldmia r2, {s28-s31}\n" \
    "add r2, r2, r10\n" \
    TINYC_FMA_COLUMN(0, 1, 2, 3, 16, 17, 18, 19) \
    "vldmia r2, {s28-s31}\n" \
    "add r2, r2, r10\n" \
    TINYC_FMA_COLUMN(0, 1, 2, 3, 20, 21, 22, 23) \
    TINYC_FMA_COLUMN(4, 5, 6, 7, 16, 17, 18, 19) \
    "vldmia r2, {s28-s31}\n" \
    "add r2, r2, r10\n" \
    TINYC_FMA_COLUMN(0, 1, 2, 3, 24, 25, 26, 27) \
    TINYC_FMA_COLUMN(4, 5, 6, 7, 20, 21, 22, 23) \
    TINYC_FMA_COLUMN(8, 9, 10, 11, 16, 17, 18, 19) \
    "vldmia r2, {s28-s31}\n" \
    "add r2, r2, r10\n" \
    TINYC_FMA_COLUMN(4, 5, 6, 7, 24, 25, 26, 27) \
    TINYC_FMA_COLUMN(8, 9, 10, 11, 20, 21, 22, 23) \
    "vldmia r2, {s28-s31}\n" \
    TINYC_FMA_COLUMN(8, 9, 10, 11, 24, 25, 26, 27)
#endif
static TINYC_LAYER_ATTR TINYC_HOT_ATTR void tinyc_fma_three_slide(struct tinyc_fma_tile *tile)
{
#if defined(tinyc_fma_assembly)
    register struct tinyc_fma_tile *at __asm__("r0") = tile;

    __asm__ volatile(
        TINYC_FMA_BEGIN("", "vldmia r6, {s4-s7}\n" "vldmia r6, {s8-s11}\n")
        TINYC_FMA_THREE_SLIDE
        TINYC_FMA_END("add r9, r9, #16\n", "add r2, r2, r3\n" "vstmia r2, {s4-s7}\n"
                      "add r2, r2, r3\n" "vstmia r2, {s8-s11}\n")
        : : "r"(at) : TINYC_FMA_USED);
#else
    tinyc_fma_portable_each(tile, 3);
#endif
}
