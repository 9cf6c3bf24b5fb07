/* Two pixels times all channels, two at a time. A word holds one tap of both pixels, 65536 b + a, so that one
 * multiplication by a weight makes two products. */
struct tinyc_tile_pair {
    const uint32_t *words, *words_end; /* an even number of taps */
    uint32_t skip;                     /* bytes of the unrolled loop to leave out in the first turn */
    const uint32_t *weights;           /* for two channels: of two taps those of the first, then those of the second */
    const int32_t *parameters;         /* for two channels: biases, multipliers */
    int32_t offset, low, high;         /* of the requantization, whose shift is 1 */
    int8_t *out[2];
    int32_t left;                      /* channels behind the first two; the last two may have one made already */
};
