/* Two channels of values, of which each is `step` from the one before, times the weights of three queries: words for
 * two values, which take turns up to `end`. Six sums. */
#if defined(tinyc_dsp_assembly)
#  define TINYC_DSP_VALUES \
    "ldrh r3, [r0]\n" \
    "ldrh lr, [r0, r1]\n" \
    "ldm r2!, {r10, r11, r12}\n" \
    "add r0, r0, r1, lsl #1\n" \
    "pkhbt r3, r3, lr, lsl #16\n" \
    "sxtb16 lr, r3\n" \
    "sxtb16 r3, r3, ror #8\n" \
    "smlad r4, lr, r10, r4\n" \
    "smlad r5, r3, r10, r5\n" \
    "smlad r6, lr, r11, r6\n" \
    "smlad r7, r3, r11, r7\n" \
    "smlad r8, lr, r12, r8\n" \
    "smlad r9, r3, r12, r9\n"
#endif
static TINYC_LAYER_ATTR TINYC_HOT_ATTR void tinyc_dsp_values(
    const int8_t *values, int32_t step, const uint32_t *weights, const uint32_t *end, int32_t *sums)
{
#if defined(tinyc_dsp_assembly)
    const uint32_t *const ends[2] = { weights + (end - weights) / 3 % 4 * 3, end };
    register const int8_t *value __asm__("r0") = values;
    register int32_t stride __asm__("r1") = step;
    register const uint32_t *weight __asm__("r2") = weights;
    register int32_t *sum __asm__("r3") = sums;
    register const uint32_t *const *limits __asm__("r12") = ends;

    __asm__ volatile(
        "push {r4-r11, lr}\n"
        "push {r3}\n"
        "ldrd r10, r11, [r12]\n"
        "push {r10, r11}\n"
        "mov r4, #0\n"
        "mov r5, #0\n"
        "mov r6, #0\n"
        "mov r7, #0\n"
        "mov r8, #0\n"
        "mov r9, #0\n"
        "b 2f\n"
        "1:\n"
        TINYC_DSP_VALUES
        "2:\n"
        "ldr r3, [sp]\n"
        "cmp r2, r3\n"
        "bne 1b\n"
        "b 4f\n"
        "3:\n"
        TINYC_DSP_VALUES TINYC_DSP_VALUES TINYC_DSP_VALUES TINYC_DSP_VALUES
        "4:\n"
        "ldr r3, [sp, #4]\n"
        "cmp r2, r3\n"
        "bne 3b\n"
        "ldr r3, [sp, #8]\n"
        "stm r3, {r4-r9}\n"
        "add sp, #12\n"
        "pop {r4-r11, lr}\n"
        : "+r"(value), "+r"(stride), "+r"(weight), "+r"(sum), "+r"(limits) : : "lr", "cc", "memory");
#else
    for (int32_t i = 0; i < 6; ++i) {
        sums[i] = 0;
    }
    for (; weights < end; weights += 3, values += 2 * step) {
        for (int32_t i = 0; i < 6; ++i) {
            const uint32_t pair = weights[i / 2];

            sums[i] += (int16_t)pair * values[i % 2] + (int16_t)(pair >> 16) * values[step + i % 2];
        }
    }
#endif
}
