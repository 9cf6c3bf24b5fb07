/* What a depthwise convolution of packed inputs or outputs does for four channels at a time. */
struct tinyc_dsp_quads {
    void (*columns)(const struct tinyc_dsp_filters *, uint32_t);        /* makes columns of inputs, times 2^scale */
    void (*store)(int8_t *, int32_t, const int8_t *, int32_t, int32_t); /* packs outputs */
    int32_t channels;
    int32_t last;      /* the first of the last four */
    int32_t words;     /* of the weights of four channels */
    uint8_t many;      /* elements in a byte of the input, */
    uint8_t made_many; /* and of the output */
    uint8_t scale;     /* sums are multiplied by 2^scale before the requantization */
    int8_t low, high;  /* bounds of the outputs as bytes */
};
