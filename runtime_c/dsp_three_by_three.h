/* Depthwise convolution 3x3: two outputs side by side in 27 instructions, with a stride of 2 in 28. Columns are widened
 * first, to six words for four channels of a column of three. A word has a channel's elements in the first two rows,
 * or those of two channels in the third: with channels counted from 0, 0 | 0 and 2 | 2 | 1 | 1 and 3 | 3, so that each
 * channel has its three elements in two words side by side. */
#if defined(tinyc_dsp_assembly)
#  define TINYC_DSP_FILTER_WORDS \
    "ldm r10!, {r4-r8}\n" \
    "str r10, [sp, #48]\n" \
    "strd r4, r5, [sp]\n" \
    "sxtb16 r4, r6\n" \
    "sxtb16 r5, r6, ror #8\n" \
    "sxtb16 r6, r7\n" \
    "sxtb16 r7, r7, ror #8\n" \
    "sxtb16 r9, r8, ror #8\n" \
    "sxtb16 r8, r8\n"
#endif
static TINYC_LAYER_ATTR TINYC_HOT_ATTR void tinyc_dsp_three_by_three(struct tinyc_dsp_filters *filters)
{
#if defined(tinyc_dsp_assembly)
    register struct tinyc_dsp_filters *r0 __asm__("r0") = filters;

    __asm__ volatile(
        TINYC_DSP_FILTERS(TINYC_DSP_FILTER_WORDS)
        : "+r"(r0) : : "r1", "r2", "r3", "r12", "lr", "cc", "memory");
#else
    tinyc_dsp_portable_filters(filters, 8);
#endif
}
