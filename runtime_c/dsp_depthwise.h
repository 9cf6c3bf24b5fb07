/* A depthwise convolution with a kernel of 3 rows and 3 columns, for at least four channels. */
struct tinyc_dsp_depthwise {
    const uint32_t *weights; /* as struct tinyc_dsp_filters has them, for channels 0 to 3 and so on */
    int32_t offset;          /* of the requantization, whose shift is 1 */
    int32_t channels;
    int32_t stride, pad;     /* of columns, 1 or 2; columns of padding on the left */
    int32_t width;           /* columns of the input */
    int32_t most;            /* outputs at a time */
    int8_t zero;             /* what the padding holds */
};
