/* One pixel: 16 products by four taps. */
#if defined(tinyc_fma_assembly)
#  define TINYC_FMA_ONE_TURN(SUM) \
    "vldmia r2!, {s24-s27}\n" \
    "vldmia r1!, {s4-s19}\n" \
    SUM(0, 1, 2, 3, 4, 5, 6, 7, 24) \
    SUM(0, 1, 2, 3, 8, 9, 10, 11, 25) \
    SUM(0, 1, 2, 3, 12, 13, 14, 15, 26) \
    SUM(0, 1, 2, 3, 16, 17, 18, 19, 27)
#  define TINYC_FMA_ONE_LAST(SUM) \
    "vldmia r2!, {s24}\n" \
    "vldmia r1!, {s4-s7}\n" \
    SUM(0, 1, 2, 3, 4, 5, 6, 7, 24)
#  define tinyc_fma_one_pixels(SUM) \
    TINYC_FMA_BEGIN("", "") \
    "bics r6, r12, #15\n" \
    "beq 4f\n" \
    "add r6, r6, r2\n" \
    "3:\n" \
    TINYC_FMA_ONE_TURN(SUM) \
    "cmp r2, r6\n" \
    "bne 3b\n" \
    "4:\n" \
    "ands r6, r12, #12\n" \
    "beq 5f\n" \
    "7:\n" \
    TINYC_FMA_ONE_LAST(SUM) \
    "subs r6, r6, #4\n" \
    "bne 7b\n" \
    "5:\n" \
    TINYC_FMA_END("", "")
#endif
