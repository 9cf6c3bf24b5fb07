/* One to three pixels to be multiplied with all output channels. */
struct tinyc_dsp_tile {
    int8_t *out_end;              /* behind the first pixel's last channel */
    int32_t offset;               /* of the requantization, whose shift is 1 */
    int8_t *out;                  /* the first pixel's first channel, */
    int32_t step1, step2;         /* and how far behind it those of the others are */
    const uint32_t *pixels, *end; /* inputs, as tinyc_dsp_spread lays them out */
    uint32_t skip;                /* where the unrolled loop is entered: bytes of code, plus 1 */
    int32_t less[3];              /* what each pixel's sums have too much, negative: weights are raised */
};
#if defined(tinyc_dsp_assembly)
/* A tile in r0: a copy of it on the stack, with the address where the loop at label 2 is entered; lr is its end. */
#  define TINYC_DSP_ENTER \
    "push {r4-r11, lr}\n" \
    "ldm r0, {r4-r11}\n" \
    "adr r12, 2f\n" \
    "add r11, r11, r12\n" \
    "push {r4-r11}\n" \
    "ldr lr, [sp, #24]\n"
/* The same with `less` behind the copy. */
#  define TINYC_DSP_ENTER_RAISED \
    "push {r4-r11, lr}\n" \
    "add r12, r0, #32\n" \
    "ldm r12, {r2, r3, r4}\n" \
    "push {r2, r3, r4, r12}\n" \
    "ldm r0, {r4-r11}\n" \
    "adr.w r12, 2f\n" \
    "add r11, r11, r12\n" \
    "push {r4-r11}\n" \
    "ldr lr, [sp, #24]\n"
#endif
