/* As dsp_three_by_three.h, with weights of 4 bits. */
#if defined(tinyc_dsp_assembly)
#  define TINYC_DSP_FILTER_NIBBLES \
    "ldm r10!, {r4-r7}\n" \
    "str r10, [sp, #48]\n" \
    "strd r4, r5, [sp]\n" \
    "mov.w r11, #0x000F000F\n" \
    "mov.w r12, #0x00080008\n" \
    "and.w r4, r11, r6\n" \
    "and.w r5, r11, r6, lsr #4\n" \
    "and.w r8, r11, r7\n" \
    "and.w r9, r11, r7, lsr #4\n" \
    "and.w r7, r11, r6, lsr #12\n" \
    "and.w r6, r11, r6, lsr #8\n" \
    "ssub16 r4, r4, r12\n" \
    "ssub16 r5, r5, r12\n" \
    "ssub16 r6, r6, r12\n" \
    "ssub16 r7, r7, r12\n" \
    "ssub16 r8, r8, r12\n" \
    "ssub16 r9, r9, r12\n"
#endif
static TINYC_LAYER_ATTR TINYC_HOT_ATTR void tinyc_dsp_three_by_three_nibbles(struct tinyc_dsp_filters *filters)
{
#if defined(tinyc_dsp_assembly)
    register struct tinyc_dsp_filters *r0 __asm__("r0") = filters;

    __asm__ volatile(
        TINYC_DSP_FILTERS(TINYC_DSP_FILTER_NIBBLES)
        : "+r"(r0) : : "r1", "r2", "r3", "r12", "lr", "cc", "memory");
#else
    tinyc_dsp_portable_filters(filters, 4);
#endif
}
