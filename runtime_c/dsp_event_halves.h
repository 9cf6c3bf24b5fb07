/* Currents of 16 bits: eight rows take 91 instructions for a block, 0.71 for a weight. `from` is words of two. */
static TINYC_LAYER_ATTR TINYC_HOT_ATTR void tinyc_dsp_event_halves(const struct tinyc_dsp_events *events)
{
#if defined(tinyc_dsp_assembly)
    register const struct tinyc_dsp_events *r0 __asm__("r0") = events;

    __asm__ volatile(
        TINYC_DSP_EVENTS_ENTER
        "1:\n"
        "ldr r2, [sp, #16]\n"
        "ldm r2!, {r4-r11}\n"
        "str r2, [sp, #16]\n"
        TINYC_DSP_EVENTS
        "ldr r2, [sp, #12]\n"
        "tst r2, #3\n"
        "itt eq\n"
        "stmeq r2!, {r4-r11}\n"
        "beq 4f\n"
        "str r4, [r2], #4\n"
        "str r5, [r2], #4\n"
        "str r6, [r2], #4\n"
        "str r7, [r2], #4\n"
        "str r8, [r2], #4\n"
        "str r9, [r2], #4\n"
        "str r10, [r2], #4\n"
        "str r11, [r2], #4\n"
        "4:\n"
        "str r2, [sp, #12]\n"
        TINYC_DSP_EVENTS_NEXT
        : "+r"(r0) : : "r1", "r2", "r3", "r12", "lr", "cc", "memory");
#else
    const uint32_t *from = events->from, *weights = events->weights;
    int16_t *out = events->out;

    for (int32_t b = 0; b < events->blocks; ++b, weights += events->stride / 4) {
        for (int32_t o = 0; o < 16; ++o) {
            uint32_t sum = from[8 * b + o / 2] >> 16 * (o % 2);

            for (const uint16_t *row = events->list; row < events->end; ++row) {
                sum += (uint32_t)tinyc_dsp_event_weight(weights + 4u * *row, o);
            }
            *out++ = (int16_t)(uint16_t)sum;
        }
    }
#endif
}
