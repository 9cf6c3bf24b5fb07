/* As for four pixels, with two. */
#if defined(tinyc_fma_assembly)
#  define tinyc_fma_two_pixels_each(SUM) \
    TINYC_FMA_BEGIN("ldr r5, [r0, #48]\n" "sub r5, r5, r10\n", "vldmia r6, {s4-s7}\n") \
    "movs r6, r12\n" \
    "beq 4f\n" \
    "3:\n" \
    "vldmia r1!, {s16-s19}\n" \
    "vldmia r2, {s20-s23}\n" \
    "add r2, r2, r10\n" \
    SUM(0, 1, 2, 3, 20, 21, 22, 23) \
    "vldmia r2, {s24-s27}\n" \
    "add r2, r2, r5\n" \
    SUM(4, 5, 6, 7, 24, 25, 26, 27) \
    "subs r6, r6, #1\n" \
    "bne 3b\n" \
    "4:\n" \
    TINYC_FMA_END("add r9, r9, #16\n", "add r2, r2, r3\n" "vstmia r2, {s4-s7}\n")
#endif
