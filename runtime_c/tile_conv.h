/* A convolution; sizes are in elements. Biases make up for the input's zero point, which padding holds. */
struct tinyc_tile_conv {
    const uint32_t *weights;           /* of four bytes each */
    const int32_t *parameters;         /* for as many channels as are computed at a time: biases, then multipliers */
    const int8_t *padding;             /* a pixel of padding, NULL: there is none */
    int32_t offset;                    /* of the requantization, whose shift is 1 */
    int32_t low, high;                 /* bounds of an output */
    int32_t channels;                  /* of the output */
    int32_t depth;                     /* channels of the input */
    int32_t rows, columns;             /* of the kernel */
    int32_t stride, pad;               /* of columns; columns of padding on the left */
    int32_t width;                     /* columns of the input */
};
