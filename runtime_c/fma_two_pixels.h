/* As for four pixels, with two. */
#if defined(tinyc_fma_assembly)
#  define TINYC_FMA_TWO_TURN(SUM) \
    "vldmia r2!, {s24-s25}\n" \
    "vldmia r3!, {s26-s27}\n" \
    "vldmia r1!, {s16-s19}\n" \
    SUM(0, 1, 2, 3, 16, 17, 18, 19, 24) \
    SUM(4, 5, 6, 7, 16, 17, 18, 19, 26) \
    "vldmia r1!, {s16-s19}\n" \
    SUM(0, 1, 2, 3, 16, 17, 18, 19, 25) \
    SUM(4, 5, 6, 7, 16, 17, 18, 19, 27)
#  define TINYC_FMA_TWO_LAST(SUM) \
    "vldr s24, [r2]\n" \
    "vldr s26, [r3]\n" \
    "vldmia r1!, {s16-s19}\n" \
    SUM(0, 1, 2, 3, 16, 17, 18, 19, 24) \
    SUM(4, 5, 6, 7, 16, 17, 18, 19, 26)
#  define tinyc_fma_two_pixels(SUM) \
    TINYC_FMA_BEGIN("", "vldmia r6, {s4-s7}\n") \
    "add r3, r2, r10\n" \
    "bics r6, r12, #7\n" \
    "beq 4f\n" \
    "add r6, r6, r2\n" \
    "3:\n" \
    TINYC_FMA_TWO_TURN(SUM) \
    "cmp r2, r6\n" \
    "bne 3b\n" \
    "4:\n" \
    "tst r12, #4\n" \
    "beq 5f\n" \
    TINYC_FMA_TWO_LAST(SUM) \
    "5:\n" \
    TINYC_FMA_END("", "add r2, r2, r3\n" "vstmia r2, {s4-s7}\n")
#endif
