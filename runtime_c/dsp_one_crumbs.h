/* As for three pixels, with one: 16 products in 18 instructions. */
#if defined(tinyc_dsp_assembly)
#  define TINYC_DSP_ONE_CRUMBS(numbers, inputs) \
    "and.w r12, r8, " numbers "\n" \
    "smlad r5, r12, " inputs ", r5\n" \
    "and.w r12, r12, #0x00030003\n" \
    "smlad r4, r12, " inputs ", r4\n"
#  define TINYC_DSP_ONE_CRUMBS_TURN \
    "ldr r6, [r1], #4\n" \
    "ldm.w r0!, {r2, r3, r10, r11}\n" \
    TINYC_DSP_ONE_CRUMBS("r6", "r2") \
    TINYC_DSP_ONE_CRUMBS("r6, lsr #4", "r3") \
    TINYC_DSP_ONE_CRUMBS("r6, lsr #8", "r10") \
    TINYC_DSP_ONE_CRUMBS("r6, lsr #12", "r11")
#endif
static TINYC_LAYER_ATTR TINYC_HOT_ATTR void tinyc_dsp_one_crumbs(
    const struct tinyc_dsp_tile *tile, const uint32_t *weights)
{
#if defined(tinyc_dsp_assembly)
    register const struct tinyc_dsp_tile *pixel __asm__("r0") = tile;
    register const uint32_t *weight __asm__("r1") = weights;

    __asm__ volatile(
        TINYC_DSP_ENTER_RAISED
        "1:\n"
        "ldrd r4, r5, [r1], #8\n"
        "ldr r0, [sp, #20]\n"
        "mov.w r8, #0x000F000F\n"
        "ldr pc, [sp, #28]\n"
        ".balign 4\n"
        "2:\n"
        TINYC_DSP_ONE_CRUMBS_TURN TINYC_DSP_ONE_CRUMBS_TURN TINYC_DSP_ONE_CRUMBS_TURN TINYC_DSP_ONE_CRUMBS_TURN
        "cmp r0, lr\n"
        "bne 2b\n"
        "ldrd r6, r7, [r1], #8\n"
        "ldrd r2, r3, [sp, #4]\n"
        "ldr r10, [sp]\n"
        "ldr r11, [sp, #32]\n"
        "sub r5, r5, r4\n"
        "add r4, r4, r11\n"
        "add r5, r5, r11, lsl #2\n"
        "smmla r4, r4, r6, r2\n"
        "ssat r4, #8, r4, asr #1\n"
        "strb r4, [r3], #1\n"
        "cmp r3, r10\n"
        "beq 3f\n"
        "asr r5, r5, #2\n"
        "smmla r5, r5, r7, r2\n"
        "ssat r5, #8, r5, asr #1\n"
        "strb r5, [r3], #1\n"
        "str r3, [sp, #8]\n"
        "cmp r3, r10\n"
        "bne 1b\n"
        "3:\n"
        "add sp, #48\n"
        "pop {r4-r11, lr}\n"
        : "+r"(pixel), "+r"(weight) : : "r2", "r3", "r12", "lr", "cc", "memory");
#else
    tinyc_dsp_portable_crumbs(tile, weights, 1);
#endif
}
