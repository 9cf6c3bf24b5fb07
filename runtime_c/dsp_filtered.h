/* One pixel of a depthwise convolution; `tap` up to `end` tell how far the pixels under its taps are from `base`. Taps
 * are taken two by two: four products in nine instructions. The last four channels may be some that were made already.
 */
#if defined(tinyc_dsp_assembly)
#  define TINYC_DSP_TAP \
    "ldr r12, [r0], #4\n" \
    "ldrd r8, r9, [r1], #8\n" \
    "ldr r10, [r12, r2]\n" \
    "sxtb16 r11, r10, ror #8\n" \
    "sxtb16 r10, r10\n" \
    "smlabb r4, r10, r8, r4\n" \
    "smlatt r6, r10, r8, r6\n" \
    "smlabb r5, r11, r9, r5\n" \
    "smlatt r7, r11, r9, r7\n"
#endif
static TINYC_LAYER_ATTR TINYC_HOT_ATTR void tinyc_dsp_filtered(
    const struct tinyc_dsp_filter *filter, const int32_t *tap, const int32_t *end, const int8_t *base,
    int8_t *out)
{
    const uint32_t *weights = filter->weights;

    for (int32_t first = 0, channels = filter->window.channels; first < channels; first += 4) {
        const int32_t c = first + 4 > channels ? channels - 4 : first;
#if defined(tinyc_dsp_assembly)
        register const int32_t *r0 __asm__("r0") = tap;
        register const uint32_t *r1 __asm__("r1") = weights;
        register const int8_t *r2 __asm__("r2") = base + c;
        register const int32_t *r3 __asm__("r3") = end;
        register uint32_t r12 __asm__("r12") = (uint32_t)filter->offset;

        __asm__ volatile(
            "push {r4-r11}\n"
            "push {r12}\n"
            "ldm r1!, {r4-r7}\n"
            "1:\n"
            TINYC_DSP_TAP TINYC_DSP_TAP
            "cmp r0, r3\n"
            "bne 1b\n"
            "pop {r12}\n"
            "ldm r1!, {r8-r11}\n"
            "smmla r4, r4, r8, r12\n"
            "smmla r5, r5, r9, r12\n"
            "smmla r6, r6, r10, r12\n"
            "smmla r12, r7, r11, r12\n"
            "ssat r2, #8, r4, asr #1\n"
            "ssat r5, #8, r5, asr #1\n"
            "ssat r6, #8, r6, asr #1\n"
            "ssat r12, #8, r12, asr #1\n"
            "bfi r2, r5, #8, #8\n"
            "bfi r2, r6, #16, #8\n"
            "bfi r2, r12, #24, #8\n"
            "pop {r4-r11}\n"
            "str r2, [%5]\n"
            : "+r"(r0), "+r"(r1), "+r"(r2), "+r"(r3), "+r"(r12) : "r"(out + c) : "cc", "memory");
        weights = r1;
#else
        const uint32_t *multipliers = weights + 4 + 2 * filter->taps;

        for (int32_t i = 0; i < 4; ++i) {
            uint32_t sum = weights[i];

            for (int32_t k = 0; k < filter->taps; ++k) {
                const uint32_t pair = weights[4 + 2 * k + i % 2];

                sum += (uint32_t)(base[tap[k] + c + i] * (int16_t)(i < 2 ? pair : pair >> 16));
            }
            out[c + i] = (int8_t)tinyc_clamp(
                tinyc_requantize((int32_t)sum, (int32_t)multipliers[i], filter->offset, 1), -128, 127);
        }
        weights = multipliers + 4;
        (void)end;
#endif
    }
}
