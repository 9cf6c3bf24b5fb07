/* Of a loop for one pixel, 16 products in 14 instructions. */
#if defined(tinyc_dsp_assembly)
#  define TINYC_DSP_ONE \
    "ldm.w r1!, {r6-r9}\n" \
    "ldm.w r0!, {r2, r3, r10, r11}\n" \
    "sxtb16 r12, r6\n" \
    "smlad r4, r12, r2, r4\n" \
    "smlad r5, r6, r2, r5\n" \
    "sxtb16 r12, r7\n" \
    "smlad r4, r12, r3, r4\n" \
    "smlad r5, r7, r3, r5\n" \
    "sxtb16 r12, r8\n" \
    "smlad r4, r12, r10, r4\n" \
    "smlad r5, r8, r10, r5\n" \
    "sxtb16 r12, r9\n" \
    "smlad r4, r12, r11, r4\n" \
    "smlad r5, r9, r11, r5\n"
#endif
