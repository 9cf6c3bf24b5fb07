/* Currents of 32 bits: of at most 255 rows, whose sums have 16 bits. */
static TINYC_LAYER_ATTR TINYC_HOT_ATTR void tinyc_dsp_event_words(const struct tinyc_dsp_events *events)
{
#if defined(tinyc_dsp_assembly)
    register const struct tinyc_dsp_events *r0 __asm__("r0") = events;

#  define TINYC_DSP_EVENT_FOUR(a, b) \
    "ldm r2!, {r0, r3, r12, lr}\n" \
    "sxtah r0, r0, " a "\n" \
    "sxtah r3, r3, " a ", ror #16\n" \
    "sxtah r12, r12, " b "\n" \
    "sxtah lr, lr, " b ", ror #16\n" \
    "stm r1!, {r0, r3, r12, lr}\n"
    __asm__ volatile(
        TINYC_DSP_EVENTS_ENTER
        "1:\n"
        "movs r4, #0\n"
        "movs r5, #0\n"
        "movs r6, #0\n"
        "movs r7, #0\n"
        "mov r8, r4\n"
        "mov r9, r4\n"
        "mov r10, r4\n"
        "mov r11, r4\n"
        TINYC_DSP_EVENTS
        "ldrd r1, r2, [sp, #12]\n"
        TINYC_DSP_EVENT_FOUR("r4", "r5") TINYC_DSP_EVENT_FOUR("r6", "r7")
        TINYC_DSP_EVENT_FOUR("r8", "r9") TINYC_DSP_EVENT_FOUR("r10", "r11")
        "strd r1, r2, [sp, #12]\n"
        "ldr r1, [sp, #20]\n"
        TINYC_DSP_EVENTS_NEXT
        : "+r"(r0) : : "r1", "r2", "r3", "r12", "lr", "cc", "memory");
#else
    const int32_t *from = events->from;
    const uint32_t *weights = events->weights;
    int32_t *out = events->out;

    for (int32_t b = 0; b < events->blocks; ++b, weights += events->stride / 4) {
        for (int32_t o = 0; o < 16; ++o) {
            int32_t sum = 0;

            for (const uint16_t *row = events->list; row < events->end; ++row) {
                sum += tinyc_dsp_event_weight(weights + 4u * *row, o);
            }
            *out++ = *from++ + sum;
        }
    }
#endif
}
