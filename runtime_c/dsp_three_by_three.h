/* Depthwise convolution 3x3 of four channels: two outputs side by side in 27 instructions, with a stride of 2 in 28. */
static TINYC_LAYER_ATTR TINYC_HOT_ATTR void tinyc_dsp_three_by_three(const struct tinyc_dsp_filters *filters)
{
#if defined(tinyc_dsp_assembly)
    register const struct tinyc_dsp_filters *r0 __asm__("r0") = filters;

    __asm__ volatile(
        "push {r4-r11, lr}\n"
        "ldm r0, {r2-r12, lr}\n"
        "cmp lr, #1\n"
        "ite eq\n"
        "adreq lr, 2f\n"
        "adrne lr, 7f\n"
        "add lr, #1\n"
        "push {r2-r12, lr}\n"
        "ldrd r0, r1, [sp, #16]\n"
        "1:\n"
        "ldr r10, [sp, #36]\n"
        "ldm r10!, {r4-r8}\n"
        "str r10, [sp, #36]\n"
        "strd r4, r4, [sp]\n"
        "str r5, [sp, #8]\n"
        "sxtb16 r4, r6\n"
        "sxtb16 r5, r6, ror #8\n"
        "sxtb16 r6, r7\n"
        "sxtb16 r7, r7, ror #8\n"
        "sxtb16 r9, r8, ror #8\n"
        "sxtb16 r8, r8\n"
        "ldrd r2, r3, [sp, #24]\n"
        "adds r3, r1, r3\n"
        "cmp r1, r3\n"
        "beq 3f\n"
        "ldr pc, [sp, #44]\n"
        ".balign 4\n"
        "2:\n"
        "ldrd r12, lr, [sp]\n"
        "ldrd r10, r11, [r0], #24\n"
        "smlad r12, r10, r4, r12\n"
        "smlad r12, r11, r5, r12\n"
        "ldrd r10, r11, [r0], #24\n"
        "smlad r12, r10, r6, r12\n"
        "smlad r12, r11, r7, r12\n"
        "smlad lr, r10, r4, lr\n"
        "smlad lr, r11, r5, lr\n"
        "ldrd r10, r11, [r0]\n"
        "smlad r12, r10, r8, r12\n"
        "smlad r12, r11, r9, r12\n"
        "smlad lr, r10, r6, lr\n"
        "smlad lr, r11, r7, lr\n"
        "ldrd r10, r11, [r0, #24]\n"
        "smlad lr, r10, r8, lr\n"
        "smlad lr, r11, r9, lr\n"
        "ldrd r10, r11, [sp, #8]\n"
        "smmla r12, r12, r10, r11\n"
        "smmla lr, lr, r10, r11\n"
        "ssat r12, #8, r12, asr #1\n"
        "ssat lr, #8, lr, asr #1\n"
        "strb lr, [r1, r2]\n"
        "strb r12, [r1]\n"
        "add r1, r1, r2, lsl #1\n"
        "cmp r1, r3\n"
        "bne 2b\n"
        "b 3f\n"
        ".balign 4\n"
        "7:\n"
        "ldrd r12, lr, [sp]\n"
        "ldrd r10, r11, [r0], #24\n"
        "smlad r12, r10, r4, r12\n"
        "smlad r12, r11, r5, r12\n"
        "ldrd r10, r11, [r0], #24\n"
        "smlad r12, r10, r6, r12\n"
        "smlad r12, r11, r7, r12\n"
        "ldrd r10, r11, [r0], #24\n"
        "smlad r12, r10, r8, r12\n"
        "smlad r12, r11, r9, r12\n"
        "smlad lr, r10, r4, lr\n"
        "smlad lr, r11, r5, lr\n"
        "ldrd r10, r11, [r0], #24\n"
        "smlad lr, r10, r6, lr\n"
        "smlad lr, r11, r7, lr\n"
        "ldrd r10, r11, [r0]\n"
        "smlad lr, r10, r8, lr\n"
        "smlad lr, r11, r9, lr\n"
        "ldrd r10, r11, [sp, #8]\n"
        "smmla r12, r12, r10, r11\n"
        "smmla lr, lr, r10, r11\n"
        "ssat r12, #8, r12, asr #1\n"
        "ssat lr, #8, lr, asr #1\n"
        "strb lr, [r1, r2]\n"
        "strb r12, [r1]\n"
        "add r1, r1, r2, lsl #1\n"
        "cmp r1, r3\n"
        "bne 7b\n"
        "3:\n"
        "ldr r3, [sp, #32]\n"
        "cmp r3, #0\n"
        "beq 5f\n"
        "ldr r12, [sp]\n"
        "ldrd r10, r11, [r0], #24\n"
        "smlad r12, r10, r4, r12\n"
        "smlad r12, r11, r5, r12\n"
        "ldrd r10, r11, [r0], #24\n"
        "smlad r12, r10, r6, r12\n"
        "smlad r12, r11, r7, r12\n"
        "ldrd r10, r11, [r0]\n"
        "smlad r12, r10, r8, r12\n"
        "smlad r12, r11, r9, r12\n"
        "ldrd r10, r11, [sp, #8]\n"
        "smmla r12, r12, r10, r11\n"
        "ssat r12, #8, r12, asr #1\n"
        "strb r12, [r1]\n"
        "5:\n"
        "ldrd r0, r1, [sp, #16]\n"
        "ldr r10, [sp, #40]\n"
        "adds r0, #4\n"
        "adds r1, #2\n"
        "subs r10, #1\n"
        "beq 6f\n"
        "str r10, [sp, #40]\n"
        "cmp r10, #2\n"
        "itt eq\n"
        "addeq r0, #4\n"
        "subeq r1, #3\n"
        "strd r0, r1, [sp, #16]\n"
        "b 1b\n"
        "6:\n"
        "add sp, #48\n"
        "pop {r4-r11, lr}\n"
        : "+r"(r0) : : "r1", "r2", "r3", "r12", "lr", "cc", "memory");
#else
    static const uint8_t channel[4] = { 0, 2, 1, 3 }, word[4] = { 0, 1, 3, 4 };
    const uint32_t *w = filters->weights;

    for (int32_t c = 0; c < 4; ++c, w += 5) {
        const uint32_t *column = filters->columns + word[c];
        const int32_t count = filters->pairs + filters->odd * filters->pitch;

        for (int32_t at = 0; at < count; at += filters->pitch, column += 6 * filters->stride) {
            uint32_t sum = w[0];

            for (int32_t kx = 0; kx < 3; ++kx) {
                const uint32_t x = column[6 * kx], z = column[6 * kx + 1], v = w[kx + 2];

                sum += (uint32_t)((int16_t)x * (int8_t)v + (int16_t)(x >> 16) * (int8_t)(v >> 16));
                sum += (uint32_t)((int16_t)z * (int8_t)(v >> 8) + (int16_t)(z >> 16) * (int8_t)(v >> 24));
            }
            filters->out[at + channel[c]] = (int8_t)tinyc_clamp(
                tinyc_requantize((int32_t)sum, (int32_t)w[1], filters->offset, 1), -128, 127);
        }
    }
#endif
}
