/* Three pixels of inputs of 16 bits and two channels: 24 products in 19 instructions. Bytes of weights lie so that
 * SXTB16 gives those of inputs that are neighbours: the inputs are multiplied as they are. */
#if defined(tinyc_dsp_assembly)
#  define TINYC_DSP_WIDE_THREE \
    "ldrd r10, r11, [r1], #8\n" \
    "ldm.w r0!, {r2, r3, r12}\n" \
    "sxtb16 lr, r10\n" \
    "smlad r4, lr, r2, r4\n" \
    "smlad r5, lr, r3, r5\n" \
    "smlad r6, lr, r12, r6\n" \
    "sxtb16 lr, r11\n" \
    "smlad r7, lr, r2, r7\n" \
    "smlad r8, lr, r3, r8\n" \
    "smlad r9, lr, r12, r9\n" \
    "ldm.w r0!, {r2, r3, r12}\n" \
    "sxtb16 lr, r10, ror #8\n" \
    "smlad r4, lr, r2, r4\n" \
    "smlad r5, lr, r3, r5\n" \
    "smlad r6, lr, r12, r6\n" \
    "sxtb16 lr, r11, ror #8\n" \
    "smlad r7, lr, r2, r7\n" \
    "smlad r8, lr, r3, r8\n" \
    "smlad r9, lr, r12, r9\n"
#endif
static TINYC_LAYER_ATTR TINYC_HOT_ATTR void tinyc_dsp_wide_three(struct tinyc_dsp_wide *tile, const uint32_t *weights)
{
#if defined(tinyc_dsp_assembly)
    register struct tinyc_dsp_wide *pixel __asm__("r0") = tile;
    register const uint32_t *weight __asm__("r1") = weights;

    __asm__ volatile(
        "push {r4-r11, lr}\n"
        "ldr r2, [r0, #28]\n"
        "push {r0, r2}\n"
        "1:\n"
        "ldr r0, [sp]\n"
        "ldr r2, [r0, #32]\n"
        "adr lr, 2f\n"
        "add lr, lr, r2\n"
        "ldrd r4, r7, [r1], #8\n"
        "mov r5, r4\n"
        "mov r6, r4\n"
        "mov r8, r7\n"
        "mov r9, r7\n"
        "ldr r0, [r0, #24]\n"
        "bx lr\n"
        ".balign 4\n"
        "2:\n"
        TINYC_DSP_WIDE_THREE TINYC_DSP_WIDE_THREE TINYC_DSP_WIDE_THREE TINYC_DSP_WIDE_THREE
        "ldr lr, [sp, #4]\n"
        "cmp r0, lr\n"
        "bne 2b\n"
        "ldr r0, [sp]\n"
        "ldrd r10, r11, [r1], #8\n"
        "ldrd r2, r3, [r0, #16]\n"
        "smmla r4, r4, r10, r2\n"
        "smmla r5, r5, r10, r2\n"
        "smmla r6, r6, r10, r2\n"
        "smmla r7, r7, r11, r2\n"
        "smmla r8, r8, r11, r2\n"
        "smmla r9, r9, r11, r2\n"
        "asr r4, r4, r3\n"
        "asr r5, r5, r3\n"
        "asr r6, r6, r3\n"
        "asr r7, r7, r3\n"
        "asr r8, r8, r3\n"
        "asr r9, r9, r3\n"
        "ssat r4, #16, r4\n"
        "ssat r5, #16, r5\n"
        "ssat r6, #16, r6\n"
        "ssat r7, #16, r7\n"
        "ssat r8, #16, r8\n"
        "ssat r9, #16, r9\n"
        "ldrd r12, lr, [r0]\n"
        "ldrd r10, r11, [r0, #8]\n"
        "add r10, r10, r12\n"
        "add r11, r11, r12\n"
        "strh r4, [r12], #2\n"
        "strh r7, [r12], #2\n"
        "strh r5, [r10]\n"
        "strh r8, [r10, #2]\n"
        "strh r6, [r11]\n"
        "strh r9, [r11, #2]\n"
        "str r12, [r0]\n"
        "cmp r12, lr\n"
        "bne 1b\n"
        "add sp, #8\n"
        "pop {r4-r11, lr}\n"
        : "+r"(pixel), "+r"(weight) : : "r2", "r3", "r12", "lr", "cc", "memory");
#else
    tinyc_dsp_wide_portable(tile, weights, 3, 2);
#endif
}
