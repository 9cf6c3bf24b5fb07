/* A depthwise convolution with a kernel of 3 rows and 3 columns, for at least four channels. */
struct tinyc_dsp_depthwise {
    const uint32_t *weights; /* as struct tinyc_dsp_filters has them, for channels 0 to 3 and so on */
    int32_t offset;          /* of the requantization, whose shift is 1 */
    int32_t pixel, made;     /* bytes of a pixel of the input and of the output */
    int32_t stride, pad;     /* of columns, 1 or 2; columns of padding on the left */
    int32_t width;           /* columns of the input */
    int32_t most;            /* outputs at a time */
    uint32_t zeros;          /* what the padding holds: two inputs as 16 bits */
    void (*multiply)(struct tinyc_dsp_filters *); /* the micro-kernel */
    const struct tinyc_dsp_quads *quads;          /* NULL: inputs and outputs are bytes, else it is called by `each` */
    void (*each)(const struct tinyc_dsp_depthwise *, struct tinyc_dsp_filters *, int32_t, int8_t *);
};
