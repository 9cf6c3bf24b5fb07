/* A depthwise convolution; sizes are in elements. Weights are, for each 16 channels: those of a tap side by side,
 * biases and multipliers of channels 0, 4, 8, 12, 2, 6, 10, 14, 1, 5, … The last 16 channels may be some that were
 * there already; fewer than 16 are there as often as fits. */
struct tinyc_mve_depthwise {
    const uint32_t *weights;
    const int8_t *padding;   /* a pixel of it, NULL where there is none */
    int32_t offset;          /* of the requantization, whose shift is 1 */
    int32_t channels;
    int32_t rows, columns;   /* of the kernel */
    int32_t stride, pad;     /* of columns; columns of padding on the left */
    int32_t dilation, width; /* of columns; columns of the input */
    int32_t together;        /* pixels that are taken as one, where a pixel has fewer than 16 channels */
};
