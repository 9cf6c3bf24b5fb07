/* One pixel of inputs of 16 bits and four channels: 16 products in 19 instructions. */
#if defined(tinyc_dsp_assembly)
#  define TINYC_DSP_WIDE_FOUR \
    "ldm.w r1!, {r8-r11}\n" \
    "ldr r2, [r0], #4\n" \
    "ldr r3, [r0], #4\n" \
    "sxtb16 r12, r8\n" \
    "smlad r4, r12, r2, r4\n" \
    "sxtb16 r8, r8, ror #8\n" \
    "smlad r4, r8, r3, r4\n" \
    "sxtb16 r12, r9\n" \
    "smlad r5, r12, r2, r5\n" \
    "sxtb16 r9, r9, ror #8\n" \
    "smlad r5, r9, r3, r5\n" \
    "sxtb16 r12, r10\n" \
    "smlad r6, r12, r2, r6\n" \
    "sxtb16 r10, r10, ror #8\n" \
    "smlad r6, r10, r3, r6\n" \
    "sxtb16 r12, r11\n" \
    "smlad r7, r12, r2, r7\n" \
    "sxtb16 r11, r11, ror #8\n" \
    "smlad r7, r11, r3, r7\n"
#endif
static TINYC_LAYER_ATTR TINYC_HOT_ATTR void tinyc_dsp_wide_four(struct tinyc_dsp_wide *tile, const uint32_t *weights)
{
#if defined(tinyc_dsp_assembly)
    register struct tinyc_dsp_wide *pixel __asm__("r0") = tile;
    register const uint32_t *weight __asm__("r1") = weights;

    __asm__ volatile(
        "push {r4-r11, lr}\n"
        "ldr lr, [r0, #28]\n"
        "push {r0, r2}\n"
        "1:\n"
        "ldr r0, [sp]\n"
        "ldr r2, [r0, #32]\n"
        "adr r12, 2f\n"
        "add r12, r12, r2\n"
        "ldm.w r1!, {r4-r7}\n"
        "ldr r0, [r0, #24]\n"
        "bx r12\n"
        ".balign 4\n"
        "2:\n"
        TINYC_DSP_WIDE_FOUR TINYC_DSP_WIDE_FOUR TINYC_DSP_WIDE_FOUR TINYC_DSP_WIDE_FOUR
        "cmp r0, lr\n"
        "bne 2b\n"
        "ldr r0, [sp]\n"
        "ldm.w r1!, {r8-r11}\n"
        "ldrd r2, r3, [r0, #16]\n"
        "smmla r4, r4, r8, r2\n"
        "smmla r5, r5, r9, r2\n"
        "smmla r6, r6, r10, r2\n"
        "smmla r7, r7, r11, r2\n"
        "asr r4, r4, r3\n"
        "asr r5, r5, r3\n"
        "asr r6, r6, r3\n"
        "asr r7, r7, r3\n"
        "ssat r4, #16, r4\n"
        "ssat r5, #16, r5\n"
        "ssat r6, #16, r6\n"
        "ssat r7, #16, r7\n"
        "ldrd r8, r9, [r0]\n"
        "strh r4, [r8], #2\n"
        "strh r5, [r8], #2\n"
        "strh r6, [r8], #2\n"
        "strh r7, [r8], #2\n"
        "str r8, [r0]\n"
        "cmp r8, r9\n"
        "bne 1b\n"
        "add sp, #8\n"
        "pop {r4-r11, lr}\n"
        : "+r"(pixel), "+r"(weight) : : "r2", "r3", "r12", "lr", "cc", "memory");
#else
    tinyc_dsp_wide_portable(tile, weights, 1, 4);
#endif
}
