/* Four pixels of a depthwise convolution with three columns and a stride of 1: six columns of the input do for all. */
#if defined(tinyc_fma_assembly)
#  define tinyc_fma_four_pixels_slide(SUM) \
    TINYC_FMA_BEGIN("", "vldmia r6, {s4-s7}\n" "vldmia r6, {s8-s11}\n" "vldmia r6, {s12-s15}\n") \
    "vldmia r1!, {s16-s27}\n" \
    "vldmia r2, {s28-s31}\n" \
    "add r2, r2, r10\n" \
    SUM(0, 1, 2, 3, 16, 17, 18, 19) \
    "vldmia r2, {s28-s31}\n" \
    "add r2, r2, r10\n" \
    SUM(0, 1, 2, 3, 20, 21, 22, 23) \
    SUM(4, 5, 6, 7, 16, 17, 18, 19) \
    "vldmia r2, {s28-s31}\n" \
    "add r2, r2, r10\n" \
    SUM(0, 1, 2, 3, 24, 25, 26, 27) \
    SUM(4, 5, 6, 7, 20, 21, 22, 23) \
    SUM(8, 9, 10, 11, 16, 17, 18, 19) \
    "vldmia r2, {s28-s31}\n" \
    "add r2, r2, r10\n" \
    SUM(4, 5, 6, 7, 24, 25, 26, 27) \
    SUM(8, 9, 10, 11, 20, 21, 22, 23) \
    SUM(12, 13, 14, 15, 16, 17, 18, 19) \
    "vldmia r2, {s28-s31}\n" \
    "add r2, r2, r10\n" \
    SUM(8, 9, 10, 11, 24, 25, 26, 27) \
    SUM(12, 13, 14, 15, 20, 21, 22, 23) \
    "vldmia r2, {s28-s31}\n" \
    SUM(12, 13, 14, 15, 24, 25, 26, 27) \
    TINYC_FMA_END("add r9, r9, #16\n", "add r2, r2, r3\n" "vstmia r2, {s4-s7}\n" "add r2, r2, r3\n" \
                  "vstmia r2, {s8-s11}\n" "add r2, r2, r3\n" "vstmia r2, {s12-s15}\n")
#endif
