/* As for three pixels, with two: 32 products in 27 instructions. Where both lie at one place the first one wins. */
#if defined(tinyc_dsp_assembly)
#  define TINYC_DSP_TWO_CRUMBS(numbers, one, two) \
    "and.w r10, r9, " numbers "\n" \
    "smlad r6, r10, " one ", r6\n" \
    "smlad r7, r10, " two ", r7\n" \
    "and.w r10, r10, #0x00030003\n" \
    "smlad r4, r10, " one ", r4\n" \
    "smlad r5, r10, " two ", r5\n"
#  define TINYC_DSP_TWO_CRUMBS_TURN \
    "ldr r8, [r1], #4\n" \
    "ldm.w r0!, {r2, r3, r11, r12}\n" \
    TINYC_DSP_TWO_CRUMBS("r8", "r2", "r3") \
    TINYC_DSP_TWO_CRUMBS("r8, lsr #4", "r11", "r12") \
    "ldm.w r0!, {r2, r3, r11, r12}\n" \
    TINYC_DSP_TWO_CRUMBS("r8, lsr #8", "r2", "r3") \
    TINYC_DSP_TWO_CRUMBS("r8, lsr #12", "r11", "r12")
#endif
static TINYC_LAYER_ATTR TINYC_HOT_ATTR void tinyc_dsp_two_crumbs(
    const struct tinyc_dsp_tile *tile, const uint32_t *weights)
{
#if defined(tinyc_dsp_assembly)
    register const struct tinyc_dsp_tile *pixel __asm__("r0") = tile;
    register const uint32_t *weight __asm__("r1") = weights;

    __asm__ volatile(
        TINYC_DSP_ENTER_RAISED
        "1:\n"
        "ldrd r4, r6, [r1], #8\n"
        "ldr r0, [sp, #20]\n"
        "mov.w r9, #0x000F000F\n"
        "mov r5, r4\n"
        "mov r7, r6\n"
        TINYC_DSP_TWO_CRUMBS_TURN
        "ldr pc, [sp, #28]\n"
        ".balign 4\n"
        "2:\n"
        TINYC_DSP_TWO_CRUMBS_TURN TINYC_DSP_TWO_CRUMBS_TURN TINYC_DSP_TWO_CRUMBS_TURN TINYC_DSP_TWO_CRUMBS_TURN
        "cmp r0, lr\n"
        "bne 2b\n"
        "ldrd r2, r3, [sp, #32]\n"
        "sub r6, r6, r4\n"
        "sub r7, r7, r5\n"
        "add r4, r4, r2\n"
        "add r5, r5, r3\n"
        "add r6, r6, r2, lsl #2\n"
        "add r7, r7, r3, lsl #2\n"
        "ldrd r8, r9, [r1], #8\n"
        "ldm sp, {r0, r2, r3, r12}\n"
        "smmla r5, r5, r8, r2\n"
        "smmla r4, r4, r8, r2\n"
        "ssat r5, #8, r5, asr #1\n"
        "ssat r4, #8, r4, asr #1\n"
        "strb r5, [r3, r12]\n"
        "strb r4, [r3], #1\n"
        "lsl r2, r2, #2\n"
        "smmla r7, r7, r9, r2\n"
        "smmla r6, r6, r9, r2\n"
        "ssat r7, #8, r7, asr #3\n"
        "ssat r6, #8, r6, asr #3\n"
        "strb r7, [r3, r12]\n"
        "strb r6, [r3], #1\n"
        "str r3, [sp, #8]\n"
        "cmp r3, r0\n"
        "bne 1b\n"
        "add sp, #48\n"
        "pop {r4-r11, lr}\n"
        : "+r"(pixel), "+r"(weight) : : "r2", "r3", "r12", "lr", "cc", "memory");
#else
    tinyc_dsp_portable_crumbs(tile, weights, 2);
#endif
}
