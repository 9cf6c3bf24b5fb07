/* A matrix of weights. Biases make up for the input's zero point. */
struct tinyc_tile_matrix {
    const uint32_t *weights;   /* for four channels: those of an input in a word */
    const int32_t *parameters; /* for four channels: biases, multipliers */
    int32_t offset, low, high; /* of the requantization, whose shift is 1 */
    int32_t depth;             /* inputs */
    int32_t channels;          /* outputs */
};
