/* A convolution; sizes of the input are in bytes, in each of which are inputs.many elements. Of each row of taps the
 * bytes that come in fours are the first ones, the rest of all rows is put together behind them, and `filled` up to
 * a multiple of four, whose weights are 0. */
struct tinyc_dsp_conv {
    const uint32_t *weights;
    int32_t offset;        /* of the requantization, whose shift is 1 */
    int32_t channels;      /* of the output */
    int32_t depth;         /* bytes of a pixel of the input */
    int32_t rows, columns; /* of the kernel */
    int32_t fours, rest;   /* bytes of a row of taps that come in fours, and the others */
    int32_t filled;
    int32_t stride, pad;   /* of columns; columns of padding on the left */
    int32_t width;         /* columns of the input */
    struct tinyc_dsp_inputs inputs;
    int8_t zero;           /* what the padding holds, */
    uint32_t padding;      /* and what two elements of it are as they are widened */
    uint8_t raised;        /* what is added to weights as they are stored (Form.NIBBLES, CRUMBS): 8, 2 or 0 */
    uint8_t turn;          /* words of inputs in a turn of the loops of `two` and `three`, */
    uint8_t two_bytes, three_bytes; /* and its length */
    int32_t pair;          /* words of two channels: biases, weights, multipliers */
    void (*two)(const struct tinyc_dsp_tile *, const uint32_t *);   /* the micro-kernel for two pixels, */
    void (*three)(const struct tinyc_dsp_tile *, const uint32_t *); /* and that for three, NULL: none */
};
