/* Four pixels: 32 products by two taps. */
#if defined(tinyc_fma_assembly)
#  define TINYC_FMA_FOUR_TURN(SUM) \
    "vldmia r2!, {s24-s25}\n" \
    "vldmia r3!, {s26-s27}\n" \
    "vldmia r4!, {s28-s29}\n" \
    "vldmia r5!, {s30-s31}\n" \
    "vldmia r1!, {s16-s19}\n" \
    SUM(0, 1, 2, 3, 16, 17, 18, 19, 24) \
    SUM(4, 5, 6, 7, 16, 17, 18, 19, 26) \
    SUM(8, 9, 10, 11, 16, 17, 18, 19, 28) \
    SUM(12, 13, 14, 15, 16, 17, 18, 19, 30) \
    "vldmia r1!, {s16-s19}\n" \
    SUM(0, 1, 2, 3, 16, 17, 18, 19, 25) \
    SUM(4, 5, 6, 7, 16, 17, 18, 19, 27) \
    SUM(8, 9, 10, 11, 16, 17, 18, 19, 29) \
    SUM(12, 13, 14, 15, 16, 17, 18, 19, 31)
#  define TINYC_FMA_FOUR_LAST(SUM) \
    "vldr s24, [r2]\n" \
    "vldr s26, [r3]\n" \
    "vldr s28, [r4]\n" \
    "vldr s30, [r5]\n" \
    "vldmia r1!, {s16-s19}\n" \
    SUM(0, 1, 2, 3, 16, 17, 18, 19, 24) \
    SUM(4, 5, 6, 7, 16, 17, 18, 19, 26) \
    SUM(8, 9, 10, 11, 16, 17, 18, 19, 28) \
    SUM(12, 13, 14, 15, 16, 17, 18, 19, 30)
#  define tinyc_fma_four_pixels(SUM) \
    TINYC_FMA_BEGIN("", "vldmia r6, {s4-s7}\n" "vldmia r6, {s8-s11}\n" "vldmia r6, {s12-s15}\n") \
    "add r3, r2, r10\n" \
    "add r4, r3, r10\n" \
    "add r5, r4, r10\n" \
    "bics r6, r12, #7\n" \
    "beq 4f\n" \
    "add r6, r6, r2\n" \
    "3:\n" \
    TINYC_FMA_FOUR_TURN(SUM) \
    "cmp r2, r6\n" \
    "bne 3b\n" \
    "4:\n" \
    "tst r12, #4\n" \
    "beq 5f\n" \
    TINYC_FMA_FOUR_LAST(SUM) \
    "5:\n" \
    TINYC_FMA_END("", "add r2, r2, r3\n" "vstmia r2, {s4-s7}\n" "add r2, r2, r3\n" \
                  "vstmia r2, {s8-s11}\n" "add r2, r2, r3\n" "vstmia r2, {s12-s15}\n")
#endif
