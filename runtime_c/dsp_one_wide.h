/* One pixel, by tinyc_dsp_one_turn four times in a loop, with outputs of 16 bits. */
static TINYC_LAYER_ATTR TINYC_HOT_ATTR void tinyc_dsp_one_wide(
    const struct tinyc_dsp_tile *tile, const uint32_t *weights)
{
#if defined(tinyc_dsp_assembly)
    register const struct tinyc_dsp_tile *pixel __asm__("r0") = tile;
    register const uint32_t *weight __asm__("r1") = weights;

    __asm__ volatile(
        TINYC_DSP_ENTER
        "1:\n"
        "ldrd r4, r5, [r1], #8\n"
        "ldr r0, [sp, #20]\n"
        "ldr pc, [sp, #28]\n"
        ".balign 4\n"
        "2:\n"
        TINYC_DSP_ONE TINYC_DSP_ONE TINYC_DSP_ONE TINYC_DSP_ONE
        "cmp r0, lr\n"
        "bne 2b\n"
        "ldrd r6, r7, [r1], #8\n"
        "ldrd r2, r3, [sp, #4]\n"
        "ldr r10, [sp]\n"
        "sub r5, r5, r4\n"
        "smmla r4, r4, r6, r2\n"
        "ssat r4, #16, r4, asr #1\n"
        "strh r4, [r3], #2\n"
        "cmp r3, r10\n"
        "beq 3f\n"
        "asr r5, r5, #8\n"
        "smmla r5, r5, r7, r2\n"
        "ssat r5, #16, r5, asr #1\n"
        "strh r5, [r3], #2\n"
        "str r3, [sp, #8]\n"
        "cmp r3, r10\n"
        "bne 1b\n"
        "3:\n"
        "add sp, #32\n"
        "pop {r4-r11, lr}\n"
        : "+r"(pixel), "+r"(weight) : : "r2", "r3", "r12", "lr", "cc", "memory");
#else
    tinyc_dsp_portable_wide(tile, weights);
#endif
}
