/* As for three pixels, with weights of 2 bits: 48 products in 37 instructions. All weights are stored plus 2, which
 * `less` takes off the sums; the second channel's sum is 4 times too large. */
#if defined(tinyc_dsp_assembly)
#  define TINYC_DSP_THREE_CRUMBS(numbers) \
    "ldm.w r0!, {r2, r3, r12}\n" \
    "and.w lr, r11, " numbers "\n" \
    "smlad r7, lr, r2, r7\n" \
    "smlad r8, lr, r3, r8\n" \
    "smlad r9, lr, r12, r9\n" \
    "and.w lr, lr, #0x00030003\n" \
    "smlad r4, lr, r2, r4\n" \
    "smlad r5, lr, r3, r5\n" \
    "smlad r6, lr, r12, r6\n"
#  define TINYC_DSP_THREE_CRUMBS_TURN \
    "ldr r10, [r1], #4\n" \
    TINYC_DSP_THREE_CRUMBS("r10") \
    TINYC_DSP_THREE_CRUMBS("r10, lsr #4") \
    TINYC_DSP_THREE_CRUMBS("r10, lsr #8") \
    TINYC_DSP_THREE_CRUMBS("r10, lsr #12")
#endif
static TINYC_LAYER_ATTR TINYC_HOT_ATTR void tinyc_dsp_three_crumbs(
    const struct tinyc_dsp_tile *tile, const uint32_t *weights)
{
#if defined(tinyc_dsp_assembly)
    register const struct tinyc_dsp_tile *pixel __asm__("r0") = tile;
    register const uint32_t *weight __asm__("r1") = weights;

    __asm__ volatile(
        TINYC_DSP_ENTER_RAISED
        "1:\n"
        "ldrd r4, r7, [r1], #8\n"
        "ldr r0, [sp, #20]\n"
        "mov.w r11, #0x000F000F\n"
        "mov r5, r4\n"
        "mov r6, r4\n"
        "mov r8, r7\n"
        "mov r9, r7\n"
        TINYC_DSP_THREE_CRUMBS_TURN
        "ldr pc, [sp, #28]\n"
        ".balign 4\n"
        "2:\n"
        TINYC_DSP_THREE_CRUMBS_TURN TINYC_DSP_THREE_CRUMBS_TURN TINYC_DSP_THREE_CRUMBS_TURN TINYC_DSP_THREE_CRUMBS_TURN
        "ldr r2, [sp, #24]\n"
        "cmp r0, r2\n"
        "bne 2b\n"
        "ldrd r2, r3, [sp, #32]\n"
        "ldr r12, [sp, #40]\n"
        "sub r7, r7, r4\n"
        "sub r8, r8, r5\n"
        "sub r9, r9, r6\n"
        "add r4, r4, r2\n"
        "add r5, r5, r3\n"
        "add r6, r6, r12\n"
        "add r7, r7, r2, lsl #2\n"
        "add r8, r8, r3, lsl #2\n"
        "add r9, r9, r12, lsl #2\n"
        "ldrd r10, r11, [r1], #8\n"
        "ldm sp, {r0, r2, r3, r12, lr}\n"
        "smmla r5, r5, r10, r2\n"
        "smmla r6, r6, r10, r2\n"
        "smmla r4, r4, r10, r2\n"
        "ssat r5, #8, r5, asr #1\n"
        "ssat r6, #8, r6, asr #1\n"
        "ssat r4, #8, r4, asr #1\n"
        "strb r5, [r3, r12]\n"
        "strb r6, [r3, lr]\n"
        "strb r4, [r3], #1\n"
        "lsl r2, r2, #2\n"
        "smmla r8, r8, r11, r2\n"
        "smmla r9, r9, r11, r2\n"
        "smmla r7, r7, r11, r2\n"
        "ssat r8, #8, r8, asr #3\n"
        "ssat r9, #8, r9, asr #3\n"
        "ssat r7, #8, r7, asr #3\n"
        "strb r8, [r3, r12]\n"
        "strb r9, [r3, lr]\n"
        "strb r7, [r3], #1\n"
        "str r3, [sp, #8]\n"
        "cmp r3, r0\n"
        "bne 1b\n"
        "add sp, #48\n"
        "pop {r4-r11, lr}\n"
        : "+r"(pixel), "+r"(weight) : : "r2", "r3", "r12", "lr", "cc", "memory");
#else
    tinyc_dsp_portable_crumbs(tile, weights, 3);
#endif
}
