/* Widens four channels of `count` pixels in each of three rows, `pitch` elements apart: six words for a column. A word
 * has a channel's elements in the first two rows, or those of two channels in the third: with channels counted from 0,
 * 0 | 0 and 2 | 2 | 1 | 1 and 3 | 3, so that each channel has its three elements in two words side by side. */
static TINYC_LAYER_ATTR TINYC_HOT_ATTR void tinyc_dsp_columns(
    uint32_t *to, const int8_t *top, const int8_t *middle, const int8_t *bottom, int32_t pitch, int32_t count)
{
#if defined(__GNUC__) && defined(__thumb2__) && defined(__ARM_FEATURE_DSP)
    const int32_t way[2] = { -count * pitch, pitch };
    register uint32_t *r0 __asm__("r0") = to;
    register const int8_t *r1 __asm__("r1") = top - way[0];
    register const int8_t *r2 __asm__("r2") = middle - way[0];
    register const int8_t *r3 __asm__("r3") = bottom - way[0];
    register const int32_t *r12 __asm__("r12") = way;

    __asm__ volatile(
        "push {r4-r11, lr}\n"
        "ldrd r12, lr, [r12]\n"
        "1:\n"
        "ldr r10, [r1, r12]\n"
        "ldr r11, [r2, r12]\n"
        "ldr r8, [r3, r12]\n"
        "adds r12, r12, lr\n"
        "sxtb16 r6, r10\n"
        "sxtb16 r9, r11\n"
        "pkhbt r4, r6, r9, lsl #16\n"
        "pkhtb r6, r9, r6, asr #16\n"
        "sxtb16 r10, r10, ror #8\n"
        "sxtb16 r11, r11, ror #8\n"
        "pkhbt r7, r10, r11, lsl #16\n"
        "pkhtb r9, r11, r10, asr #16\n"
        "sxtb16 r5, r8\n"
        "sxtb16 r8, r8, ror #8\n"
        "stm r0!, {r4-r9}\n"
        "bne 1b\n"
        "pop {r4-r11, lr}\n"
        : "+r"(r0), "+r"(r1), "+r"(r2), "+r"(r3), "+r"(r12) : : "lr", "cc", "memory");
#else
    for (int32_t x = 0; x < count; ++x, to += 6, top += pitch, middle += pitch, bottom += pitch) {
        for (int32_t c = 0; c < 2; ++c) {
            to[3 * c] = (uint16_t)top[c] | (uint32_t)(uint16_t)middle[c] << 16;
            to[3 * c + 1] = (uint16_t)bottom[c] | (uint32_t)(uint16_t)bottom[c + 2] << 16;
            to[3 * c + 2] = (uint16_t)top[c + 2] | (uint32_t)(uint16_t)middle[c + 2] << 16;
        }
    }
#endif
}
