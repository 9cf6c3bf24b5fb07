/* Four pixels times all channels, four at a time. The taps of the pixels lie in spans, which follow one another in the
 * weights: a span is four pointers, one for each pixel. Where there are fewer pixels the last one is there again. */
struct tinyc_tile {
    const int8_t *const *spans, *const *spans_end;
    int32_t length;            /* taps of a span */
    const uint32_t *weights;   /* for four channels: those of a tap in a word */
    const int32_t *parameters; /* for four channels: biases, multipliers */
    int32_t offset, low, high; /* of the requantization, whose shift is 1 */
    int8_t *out[4];
    int32_t left;              /* channels behind the first four; the last four may be some that were made already */
};
