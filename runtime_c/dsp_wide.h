/* Inputs of 16 bits to be multiplied with all output channels: of three pixels, by turns two of each, or of one. */
struct tinyc_dsp_wide {
    int16_t *out, *out_end;    /* the first pixel's first channel, and behind its last one */
    int32_t step1, step2;      /* bytes to the outputs of the other pixels */
    int32_t offset, shift;     /* of the requantization */
    const int16_t *taps, *end; /* in multiples of four for each pixel */
    uint32_t skip;             /* where the unrolled loop is entered: bytes of code, plus 1 */
};
#define TINYC_DSP_WIDE_BYTES 76u /* length of a turn, for four inputs, in the loops of both micro-kernels */
static inline TINYC_HOT_ATTR uint32_t tinyc_dsp_wide_skip(int32_t taps)
{
    return ((0u - (uint32_t)taps / 4u) & 3u) * TINYC_DSP_WIDE_BYTES + 1u;
}
