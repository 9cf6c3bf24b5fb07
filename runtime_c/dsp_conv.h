/* A convolution; sizes are in elements. Of each row of taps those that come in fours are the first ones, the rest of
 * all rows is put together behind them, and filled up to a multiple of four, whose weights are 0. */
struct tinyc_dsp_conv {
    const uint32_t *weights;
    int32_t offset;        /* of the requantization, whose shift is 1 */
    int32_t channels;      /* of the output */
    int32_t depth;         /* channels of the input */
    int32_t rows, columns; /* of the kernel */
    int32_t fours, rest;   /* elements of a row of taps that come in fours, and the others */
    int32_t stride, pad;   /* of columns; columns of padding on the left */
    int32_t width;         /* columns of the input */
    int8_t zero;           /* what the padding holds */
    uint8_t raised;        /* what is added to weights of first channels as they are stored: 8, or 0 */
    uint8_t two_bytes, three_bytes; /* length of a turn in the loops of `two` and `three` */
    int32_t pair;          /* words of two channels: biases, weights, multipliers */
    uint8_t scale;         /* sums are multiplied by 2^scale before the requantization, inputs are so beforehand */
    void (*two)(const struct tinyc_dsp_tile *, const uint32_t *);   /* the micro-kernel for two pixels, */
    void (*three)(const struct tinyc_dsp_tile *, const uint32_t *); /* and that for three, NULL: none */
};
