/* A convolution; sizes are in elements. */
struct tinyc_mve_conv {
    const uint32_t *weights;
    int32_t offset;        /* of the requantization, whose shift is 1 */
    int32_t channels;      /* of the output */
    int32_t depth;         /* channels of the input */
    int32_t rows, columns; /* of the kernel */
    int32_t stride, pad;   /* of columns; columns of padding on the left */
    int32_t width;         /* columns of the input */
    int32_t most;          /* pixels that are gathered at a time, an even number */
    int8_t zero;           /* what the padding holds */
};
