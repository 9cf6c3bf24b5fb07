/* A depthwise convolution with a kernel of any form, for at least four channels. */
struct tinyc_dsp_filter {
    struct tinyc_dsp_window window;
    const uint32_t *weights; /* for four channels: biases, two words for each tap, multipliers */
    int32_t offset;          /* of the requantization, whose shift is 1 */
    int32_t taps;            /* rounded up to a multiple of two; what is behind the last one weighs nothing */
    int32_t zero;            /* what the padding holds */
};
