/* Currents whatever the rate of spikes, by sums of absolute differences: where w is a weight raised by 127 and m is 254
 * for a spike, else 0, |w - m| is 254 - w for a spike, else w. Their sum is that of all weights, less twice those of
 * the spikes as they were before they were raised: one USADA8 for four inputs.
 *
 * Weights come in groups of four outputs: four words with which the sums begin, then, of sixteen inputs at a time, four
 * words of each output. Sums end as -2 times the current. */
struct tinyc_dsp_masked {
    const uint32_t *masks, *end; /* of inputs, four in a word */
    uint32_t skip;               /* where the unrolled loop is entered: bytes of code, plus 1 */
    void *out;                   /* the currents */
    int32_t outputs;             /* at least one */
};
#if defined(tinyc_dsp_assembly)
/* Sixteen inputs of an output. */
#  define TINYC_DSP_MASKED_OUTPUT(sum) \
    "ldm.w r1!, {r4-r7}\n" \
    "usada8 " sum ", r4, r2, " sum "\n" \
    "usada8 " sum ", r5, r3, " sum "\n" \
    "usada8 " sum ", r6, r12, " sum "\n" \
    "usada8 " sum ", r7, lr, " sum "\n"
/* Of four outputs: 64 weights in 21 instructions. */
#  define TINYC_DSP_MASKED_TURN \
    "ldm.w r0!, {r2, r3, r12, lr}\n" \
    TINYC_DSP_MASKED_OUTPUT("r8") TINYC_DSP_MASKED_OUTPUT("r9") \
    TINYC_DSP_MASKED_OUTPUT("r10") TINYC_DSP_MASKED_OUTPUT("r11")
#  define TINYC_DSP_MASKED_STORE(sum, store) \
    "rsb " sum ", " sum ", #0\n" \
    "asr " sum ", " sum ", #1\n" \
    store "\n"
/* All of a vector; `store` is by the register of the sum. */
#  define TINYC_DSP_MASKED(store) \
    "push {r4-r11, lr}\n" \
    "ldm r0, {r4-r8}\n" \
    "adr r12, 2f\n" \
    "add r6, r6, r12\n" \
    "push {r4-r8}\n" \
    "1:\n" \
    "ldm r1!, {r8-r11}\n" \
    "ldr r0, [sp]\n" \
    "ldr pc, [sp, #8]\n" \
    ".balign 4\n" \
    "2:\n" \
    TINYC_DSP_MASKED_TURN TINYC_DSP_MASKED_TURN \
    "ldr r2, [sp, #4]\n" \
    "cmp r0, r2\n" \
    "bne 2b\n" \
    "ldrd r0, r2, [sp, #12]\n" \
    TINYC_DSP_MASKED_STORE("r8", store("r8")) \
    "cmp r2, #2\n" \
    "blt 3f\n" \
    TINYC_DSP_MASKED_STORE("r9", store("r9")) \
    "beq 3f\n" \
    TINYC_DSP_MASKED_STORE("r10", store("r10")) \
    "subs r2, r2, #4\n" \
    "blt 3f\n" \
    TINYC_DSP_MASKED_STORE("r11", store("r11")) \
    "strd r0, r2, [sp, #12]\n" \
    "bne 1b\n" \
    "3:\n" \
    "add sp, #20\n" \
    "pop {r4-r11, lr}\n"
#else
/* The current of output `o`; its group's weights are in r1's place. */
static inline TINYC_HOT_ATTR int32_t tinyc_dsp_masked_current(
    const struct tinyc_dsp_masked *vector, const uint32_t *group, int32_t o)
{
    uint32_t sum = group[o % 4];

    group += 4 + o % 4 * 4;
    for (const uint32_t *masks = vector->masks; masks < vector->end; masks += 4, group += 16) {
        for (int32_t i = 0; i < 16; ++i) {
            const int32_t weight = (int32_t)(group[i / 4] >> (8 * (i % 4)) & 255u);
            const int32_t mask = (int32_t)(masks[i / 4] >> (8 * (i % 4)) & 255u);

            sum += (uint32_t)(weight > mask ? weight - mask : mask - weight);
        }
    }
    return -(int32_t)sum >> 1;
}
#endif
