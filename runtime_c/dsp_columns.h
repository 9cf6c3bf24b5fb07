/* Widens four channels of some pixels in each of three rows, to six words for a column of three. The pointers are
 * behind the pixels: these begin way[0] elements from there, and are way[1] apart. A word has a channel's elements in
 * the first two rows, or those of two channels in the third: with channels counted from 0, 0 | 0 and 2 | 2 | 1 | 1 and
 * 3 | 3, so that each channel has its three elements in two words side by side. */
static TINYC_LAYER_ATTR TINYC_HOT_ATTR void tinyc_dsp_columns(
    uint32_t *to, const int8_t *top, const int8_t *middle, const int8_t *bottom, const int32_t *way)
{
#if defined(tinyc_dsp_assembly)
    register uint32_t *r0 __asm__("r0") = to;
    register const int8_t *r1 __asm__("r1") = top;
    register const int8_t *r2 __asm__("r2") = middle;
    register const int8_t *r3 __asm__("r3") = bottom;
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
    for (int32_t at = way[0]; at < 0; at += way[1], to += 6) {
        for (int32_t c = 0; c < 2; ++c) {
            const int8_t *x = top + at + c, *y = middle + at + c, *z = bottom + at + c;

            to[3 * c] = (uint16_t)x[0] | (uint32_t)(uint16_t)y[0] << 16;
            to[3 * c + 1] = (uint16_t)z[0] | (uint32_t)(uint16_t)z[2] << 16;
            to[3 * c + 2] = (uint16_t)x[2] | (uint32_t)(uint16_t)y[2] << 16;
        }
    }
#endif
}
