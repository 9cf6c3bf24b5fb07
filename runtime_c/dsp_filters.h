/* Four channels of a row of outputs, from the columns that tinyc_dsp_columns made. */
struct tinyc_dsp_filters {
    uint32_t sums[2], multiplier;  /* room for the routine */
    int32_t offset;                /* of the requantization, whose shift is 1 */
    const uint32_t *columns;
    int8_t *out;
    int32_t pitch, pairs, odd;     /* of outputs: bytes from one to the next, of all pairs; whether there is one more */
    const uint32_t *weights;       /* for channels 0, 2, 1, 3: bias, multiplier, a word for each column of taps */
    uint32_t channels;             /* 4 */
    int32_t stride;                /* 1 or 2 */
};
