/* A depthwise convolution with a kernel of 3 rows and 3 columns. */
struct tinyc_tile_depthwise {
    const int8_t *weights;     /* of each channel: those of the first row, and so on */
    const int32_t *parameters; /* of each channel: bias, which makes up for the input's zero point, and multiplier */
    int32_t offset, low, high; /* of the requantization, whose shift is 1 */
    int32_t channels;
    int32_t stride, pad;       /* of columns; columns of padding on the left */
    int32_t width;             /* columns of the input */
    int32_t zero;              /* what the padding holds */
};
