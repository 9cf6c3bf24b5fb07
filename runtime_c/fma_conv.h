/* A convolution on float32; sizes are in elements. */
struct tinyc_fma_conv {
    const float *weights;    /* of channels 0 to 3, tap by tap, then of channels 4 to 7, … filled up with 0 */
    const float *bias;       /* filled up with 0 */
    const tinyc_fma_kernel *tiles; /* the micro-kernels for one pixel and more, */
    int32_t most;            /* of which these are the most */
    int32_t channels;        /* of the output */
    int32_t depth;           /* channels of the input */
    int32_t rows, columns;   /* of the kernel */
    int32_t stride, dilation, pad; /* of columns; columns of padding on the left */
    int32_t width;           /* columns of the input */
};
