/* As for four pixels, with one. */
#if defined(tinyc_fma_assembly)
#  define tinyc_fma_one_pixels_each(SUM) \
    TINYC_FMA_BEGIN("ldr r5, [r0, #48]\n", "") \
    "movs r6, r12\n" \
    "beq 4f\n" \
    "3:\n" \
    "vldmia r1!, {s16-s19}\n" \
    "vldmia r2, {s20-s23}\n" \
    "add r2, r2, r5\n" \
    SUM(0, 1, 2, 3, 20, 21, 22, 23) \
    "subs r6, r6, #1\n" \
    "bne 3b\n" \
    "4:\n" \
    TINYC_FMA_END("add r9, r9, #16\n", "")
#endif
