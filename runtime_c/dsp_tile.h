/* One to three pixels to be multiplied with all output channels. */
struct tinyc_dsp_tile {
    int8_t *out_end;              /* behind the first pixel's last channel */
    int32_t offset;               /* of the requantization, whose shift is 1 */
    int8_t *out;                  /* the first pixel's first channel, */
    int32_t step1, step2;         /* and how far behind it those of the others are */
    const uint32_t *pixels, *end; /* inputs, as tinyc_dsp_spread lays them out */
    uint32_t skip;                /* where the unrolled loop is entered: bytes of code, plus 1 */
};
