/* A vector of inputs, eight at a time, with four channels, and weights that are not one number for two channels: 32
 * products in 42 instructions. */
#if defined(tinyc_dsp_assembly)
#  define TINYC_DSP_FOUR_APART \
    "ldr.w r8, [r0], #4\n" \
    "ldr.w r9, [r0], #4\n" \
    "sxtb16 r10, r8\n" \
    "sxtb16 r8, r8, ror #8\n" \
    "sxtb16 r11, r9\n" \
    "sxtb16 r9, r9, ror #8\n" \
    "ldrd r2, r3, [r1], #8\n" \
    "sxtb16 r12, r2\n" \
    "smlad r4, r12, r10, r4\n" \
    "sxtb16 r2, r2, ror #8\n" \
    "smlad r5, r2, r10, r5\n" \
    "sxtb16 r12, r3\n" \
    "smlad r4, r12, r8, r4\n" \
    "sxtb16 r3, r3, ror #8\n" \
    "smlad r5, r3, r8, r5\n" \
    "ldrd r2, r3, [r1], #8\n" \
    "sxtb16 r12, r2\n" \
    "smlad r4, r12, r11, r4\n" \
    "sxtb16 r2, r2, ror #8\n" \
    "smlad r5, r2, r11, r5\n" \
    "sxtb16 r12, r3\n" \
    "smlad r4, r12, r9, r4\n" \
    "sxtb16 r3, r3, ror #8\n" \
    "smlad r5, r3, r9, r5\n" \
    "ldrd r2, r3, [r1], #8\n" \
    "sxtb16 r12, r2\n" \
    "smlad r6, r12, r10, r6\n" \
    "sxtb16 r2, r2, ror #8\n" \
    "smlad r7, r2, r10, r7\n" \
    "sxtb16 r12, r3\n" \
    "smlad r6, r12, r8, r6\n" \
    "sxtb16 r3, r3, ror #8\n" \
    "smlad r7, r3, r8, r7\n" \
    "ldrd r2, r3, [r1], #8\n" \
    "sxtb16 r12, r2\n" \
    "smlad r6, r12, r11, r6\n" \
    "sxtb16 r2, r2, ror #8\n" \
    "smlad r7, r2, r11, r7\n" \
    "sxtb16 r12, r3\n" \
    "smlad r6, r12, r9, r6\n" \
    "sxtb16 r3, r3, ror #8\n" \
    "smlad r7, r3, r9, r7\n"
#endif
static TINYC_LAYER_ATTR TINYC_HOT_ATTR void tinyc_dsp_four_apart(
    const struct tinyc_dsp_tile *tile, const uint32_t *weights)
{
#if defined(tinyc_dsp_assembly)
    register const struct tinyc_dsp_tile *vector __asm__("r0") = tile;
    register const uint32_t *weight __asm__("r1") = weights;

    __asm__ volatile(
        TINYC_DSP_ENTER
        "1:\n"
        "ldm r1!, {r4-r7}\n"
        "ldr r0, [sp, #20]\n"
        "ldr pc, [sp, #28]\n"
        ".balign 4\n"
        "2:\n"
        TINYC_DSP_FOUR_APART TINYC_DSP_FOUR_APART
        "cmp r0, lr\n"
        "bne 2b\n"
        "ldm r1!, {r8-r11}\n"
        "ldm sp, {r0, r2, r3}\n"
        "smmla r4, r4, r8, r2\n"
        "ssat r4, #8, r4, asr #1\n"
        "smmla r5, r5, r9, r2\n"
        "ssat r5, #8, r5, asr #1\n"
        "smmla r6, r6, r10, r2\n"
        "ssat r6, #8, r6, asr #1\n"
        "smmla r7, r7, r11, r2\n"
        "ssat r7, #8, r7, asr #1\n"
        "strb r4, [r3], #1\n"
        "cmp r3, r0\n"
        "beq 3f\n"
        "strb r5, [r3], #1\n"
        "cmp r3, r0\n"
        "beq 3f\n"
        "strb r6, [r3], #1\n"
        "cmp r3, r0\n"
        "beq 3f\n"
        "strb r7, [r3], #1\n"
        "str r3, [sp, #8]\n"
        "cmp r3, r0\n"
        "bne 1b\n"
        "3:\n"
        "add sp, #32\n"
        "pop {r4-r11, lr}\n"
        : "+r"(vector), "+r"(weight) : : "r2", "r3", "r12", "lr", "cc", "memory");
#else
    tinyc_dsp_portable_vector(tile, weights, 1);
#endif
}
