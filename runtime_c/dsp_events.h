/* Rows of weights to be added up for blocks of sixteen outputs. */
struct tinyc_dsp_events {
    const uint16_t *list, *end; /* numbers of the rows */
    uint32_t skip;              /* where the unrolled loop is entered: bytes of code, plus 1 */
    void *out;                  /* the currents */
    const void *from;           /* what they begin with */
    const uint32_t *weights;    /* the first block's; four words in a row */
    int32_t stride;             /* bytes of a block */
    int32_t blocks;             /* at least one */
};
/* The byte of a row of weights that belongs to output `o`: outputs 4i to 4i + 3 are bytes 0, 2, 1 and 3 of word i. */
static inline TINYC_HOT_ATTR int32_t tinyc_dsp_event_weight(const uint32_t *row, int32_t o)
{
    return (int8_t)(row[o / 4] >> (16 * (o % 2) + 8 * (o / 2 % 2)));
}
#if defined(tinyc_dsp_assembly)
/* A copy of r0's structure on the stack, with the address where the loop at label 2 is entered; weights in r1. */
#  define TINYC_DSP_EVENTS_ENTER \
    "push {r4-r11, lr}\n" \
    "ldm r0, {r4-r11}\n" \
    "adr r12, 2f\n" \
    "add r6, r6, r12\n" \
    "push {r4-r11}\n"
/* A row: sixteen sums as halves of r4 to r11. */
#  define TINYC_DSP_EVENT \
    "ldrh.w r2, [r0], #2\n" \
    "add.w r2, r1, r2, lsl #4\n" \
    "ldm.w r2, {r2, r3, r12, lr}\n" \
    "sxtab16 r4, r4, r2\n" \
    "sxtab16 r5, r5, r2, ror #8\n" \
    "sxtab16 r6, r6, r3\n" \
    "sxtab16 r7, r7, r3, ror #8\n" \
    "sxtab16 r8, r8, r12\n" \
    "sxtab16 r9, r9, r12, ror #8\n" \
    "sxtab16 r10, r10, lr\n" \
    "sxtab16 r11, r11, lr, ror #8\n"
/* All rows of the list. */
#  define TINYC_DSP_EVENTS \
    "ldrd r0, r2, [sp]\n" \
    "ldr r1, [sp, #20]\n" \
    "cmp r0, r2\n" \
    "beq 3f\n" \
    "ldr pc, [sp, #8]\n" \
    ".balign 4\n" \
    "2:\n" \
    TINYC_DSP_EVENT TINYC_DSP_EVENT TINYC_DSP_EVENT TINYC_DSP_EVENT \
    TINYC_DSP_EVENT TINYC_DSP_EVENT TINYC_DSP_EVENT TINYC_DSP_EVENT \
    "ldr r2, [sp, #4]\n" \
    "cmp r0, r2\n" \
    "bne 2b\n" \
    "3:\n"
/* The next block, unless there is none. */
#  define TINYC_DSP_EVENTS_NEXT \
    "ldrd r2, r3, [sp, #24]\n" \
    "subs r3, r3, #1\n" \
    "add r1, r1, r2\n" \
    "str r1, [sp, #20]\n" \
    "str r3, [sp, #28]\n" \
    "bne 1b\n" \
    "add sp, #32\n" \
    "pop {r4-r11, lr}\n"
#endif
