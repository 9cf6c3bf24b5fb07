/* A row of outputs of a depthwise convolution with a kernel of 3 rows and 3 columns, for four channels after the other.
 * Where a row of taps is padding its weights are dropped, and what it points to counts for nothing. */
struct tinyc_dsp_filters {
    int32_t bias, multiplier;                  /* room for the routine */
    int32_t offset;                            /* of the requantization, whose shift is 1 */
    const uint32_t *columns;                   /* all columns, six words each: some hold padding, the others are made */
    int8_t *out;
    uint32_t *made;                            /* the first of the columns that are made, from pixels in three rows, */
    const int8_t *top, *middle, *bottom;       /* which begin `way` elements (that is negative) from here */
    int32_t way;                               /* 0: there are none to make */
    int32_t pitch;                             /* elements from one pixel to the next */
    int32_t rest;                              /* channels behind the first four; the last four may be made again */
    const uint32_t *weights;                   /* for channels 0, 2, 1, 3: bias, multiplier, one to three words */
    int32_t pairs;                             /* elements of the outputs that are made two by two, */
    uint32_t odd;                              /* and whether there is one more */
    uint32_t stride;                           /* of columns, 1 or 2 */
    uint32_t room[2];
    uint32_t zeros;                            /* two inputs that are zero points */
    uint32_t dropped_tops, dropped_bottoms;    /* masks of the first two rows, as halves, and of the third */
};
#if defined(tinyc_dsp_assembly)
/* Weights that are dropped: with the input's zero point for inputs they are part of the bias. */
#  define TINYC_DSP_DROP(weights, mask) \
    "and lr, " weights ", " mask "\n" \
    "bic " weights ", " weights ", " mask "\n" \
    "smlad r12, lr, r10, r12\n"
/* Two outputs from their sums; whether there are more of them. */
#  define TINYC_DSP_PAIR \
    "ldrd r10, r11, [sp, #4]\n" \
    "smmla r12, r12, r10, r11\n" \
    "smmla lr, lr, r10, r11\n" \
    "ssat r12, #8, r12, asr #1\n" \
    "ssat lr, #8, lr, asr #1\n" \
    "strb lr, [r1, r2]\n" \
    "strb r12, [r1]\n" \
    "add r1, r1, r2, lsl #1\n" \
    "cmp r1, r3\n"
/* The words of one column, as tinyc_dsp_portable_column makes them. */
#  define TINYC_DSP_COLUMN \
    "ldr r10, [r1, r12]\n" \
    "ldr r11, [r2, r12]\n" \
    "ldr r8, [r3, r12]\n" \
    "adds r12, r12, lr\n" \
    "sxtb16 r6, r10\n" \
    "sxtb16 r9, r11\n" \
    "pkhbt r4, r6, r9, lsl #16\n" \
    "pkhtb r6, r9, r6, asr #16\n" \
    "sxtb16 r10, r10, ror #8\n" \
    "sxtb16 r11, r11, ror #8\n" \
    "pkhbt r7, r10, r11, lsl #16\n" \
    "pkhtb r9, r11, r10, asr #16\n" \
    "sxtb16 r5, r8\n" \
    "sxtb16 r8, r8, ror #8\n" \
    "stm r0!, {r4-r9}\n"
/* All of the micro-kernel: `weights` is what makes r4 to r9 of the weights at r10, which it moves on, and puts bias and
 * multiplier on the stack. */
#  define TINYC_DSP_FILTERS(weights) \
    "push {r4-r11, lr}\n" \
    "sub sp, #84\n" \
    "mov r1, sp\n" \
    "ldm r0!, {r2-r11}\n" \
    "stm r1!, {r2-r11}\n" \
    "ldm r0, {r2-r12}\n" \
    "stm r1, {r2-r12}\n" \
    "ldrd r2, r3, [sp, #52]\n" /* where to go: behind the weights, */ \
    "ldr r4, [sp, #60]\n" \
    "cmp r4, #1\n" \
    "ite eq\n" \
    "adreq r4, 22f\n" \
    "adrne r4, 23f\n" \
    "cmp r2, #0\n" \
    "it eq\n" \
    "adreq r4, 24f\n" \
    "adds r4, #1\n" \
    "str r4, [sp, #64]\n" \
    "ldrd r5, r6, [sp, #76]\n" \
    "orrs r5, r6\n" \
    "itt ne\n" \
    "adrne r4, 21f\n" \
    "addne r4, #1\n" \
    "str r4, [sp, #60]\n" \
    "cmp r3, #0\n" /* and behind the pairs */ \
    "ite ne\n" \
    "adrne r4, 24f\n" \
    "adreq r4, 25f\n" \
    "adds r4, #1\n" \
    "str r4, [sp, #56]\n" \
    "11:\n" \
    "add r12, sp, #20\n" \
    "ldm r12, {r0-r3, r12, lr}\n" \
    "cmp r12, #0\n" \
    "beq 15f\n" \
    "12:\n" \
    TINYC_DSP_COLUMN \
    "bne 12b\n" \
    "15:\n" \
    "mov r2, lr\n" \
    "ldrd r0, r1, [sp, #12]\n" \
    "bl 13f\n" \
    "ldrd r0, r1, [sp, #12]\n" \
    "adds r0, #4\n" \
    "adds r1, #2\n" \
    "bl 13f\n" \
    "ldrd r0, r1, [sp, #12]\n" \
    "adds r0, #12\n" \
    "adds r1, #1\n" \
    "bl 13f\n" \
    "ldrd r0, r1, [sp, #12]\n" \
    "adds r0, #16\n" \
    "adds r1, #3\n" \
    "bl 13f\n" \
    "ldr r4, [sp, #44]\n" \
    "cbz r4, 14f\n" \
    "cmp r4, #4\n" \
    "ite hi\n" \
    "movhi r3, #4\n" \
    "movls r3, r4\n" \
    "subs r4, r4, r3\n" \
    "str r4, [sp, #44]\n" \
    "add r10, sp, #16\n" \
    "ldm r10, {r4-r8}\n" \
    "add r4, r3\n" \
    "add r6, r3\n" \
    "add r7, r3\n" \
    "add r8, r3\n" \
    "stm r10, {r4-r8}\n" \
    "b 11b\n" \
    "14:\n" \
    "add sp, #84\n" \
    "pop {r4-r11, lr}\n" \
    "b 26f\n" \
    "13:\n" \
    "str lr, [sp, #68]\n" \
    "ldr r10, [sp, #48]\n" \
    weights \
    "ldr r3, [sp, #52]\n" \
    "add r3, r1\n" \
    "ldr pc, [sp, #60]\n" \
    ".balign 4\n" \
    "21:\n" \
    "ldr r12, [sp]\n" \
    "ldrd r10, r11, [sp, #72]\n" \
    TINYC_DSP_DROP("r4", "r11") TINYC_DSP_DROP("r6", "r11") TINYC_DSP_DROP("r8", "r11") \
    "ldr r11, [sp, #80]\n" \
    TINYC_DSP_DROP("r5", "r11") TINYC_DSP_DROP("r7", "r11") TINYC_DSP_DROP("r9", "r11") \
    "ldrd r10, r11, [sp, #76]\n" /* the next channel has its words in the other order */ \
    "strd r11, r10, [sp, #76]\n" \
    "str r12, [sp]\n" \
    "ldr pc, [sp, #64]\n" \
    ".balign 4\n" \
    "22:\n" \
    "ldr r12, [sp]\n" \
    "ldrd r10, r11, [r0, #24]\n" \
    "smlad lr, r10, r4, r12\n" \
    "smlad r12, r10, r6, r12\n" \
    "smlad lr, r11, r5, lr\n" \
    "smlad r12, r11, r7, r12\n" \
    "ldrd r10, r11, [r0], #48\n" \
    "smlad r12, r10, r4, r12\n" \
    "smlad r12, r11, r5, r12\n" \
    "ldrd r10, r11, [r0]\n" \
    "smlad r12, r10, r8, r12\n" \
    "smlad r12, r11, r9, r12\n" \
    "smlad lr, r10, r6, lr\n" \
    "smlad lr, r11, r7, lr\n" \
    "ldrd r10, r11, [r0, #24]\n" \
    "smlad lr, r10, r8, lr\n" \
    "smlad lr, r11, r9, lr\n" \
    TINYC_DSP_PAIR \
    "bne 22b\n" \
    "ldr pc, [sp, #56]\n" \
    ".balign 4\n" \
    "23:\n" \
    "ldr r12, [sp]\n" \
    "ldrd r10, r11, [r0, #48]\n" \
    "smlad lr, r10, r4, r12\n" \
    "smlad r12, r10, r8, r12\n" \
    "smlad lr, r11, r5, lr\n" \
    "smlad r12, r11, r9, r12\n" \
    "ldrd r10, r11, [r0]\n" \
    "smlad r12, r10, r4, r12\n" \
    "smlad r12, r11, r5, r12\n" \
    "ldrd r10, r11, [r0, #24]\n" \
    "smlad r12, r10, r6, r12\n" \
    "smlad r12, r11, r7, r12\n" \
    "ldrd r10, r11, [r0, #72]\n" \
    "smlad lr, r10, r6, lr\n" \
    "smlad lr, r11, r7, lr\n" \
    "ldrd r10, r11, [r0, #96]!\n" \
    "smlad lr, r10, r8, lr\n" \
    "smlad lr, r11, r9, lr\n" \
    TINYC_DSP_PAIR \
    "bne 23b\n" \
    "ldr pc, [sp, #56]\n" \
    ".balign 4\n" \
    "24:\n" \
    "ldr r12, [sp]\n" \
    "ldrd r10, r11, [r0]\n" \
    "smlad r12, r10, r4, r12\n" \
    "smlad r12, r11, r5, r12\n" \
    "ldrd r10, r11, [r0, #24]\n" \
    "smlad r12, r10, r6, r12\n" \
    "smlad r12, r11, r7, r12\n" \
    "ldrd r10, r11, [r0, #48]\n" \
    "smlad r12, r10, r8, r12\n" \
    "smlad r12, r11, r9, r12\n" \
    "ldrd r10, r11, [sp, #4]\n" \
    "smmla r12, r12, r10, r11\n" \
    "ssat r12, #8, r12, asr #1\n" \
    "strb r12, [r1]\n" \
    "ldr pc, [sp, #68]\n" \
    ".balign 4\n" \
    "25:\n" \
    "ldr pc, [sp, #68]\n" \
    "26:\n"
#endif
