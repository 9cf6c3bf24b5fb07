/* One pixel of a depthwise convolution of nine taps, for all channels, two at a time. */
struct tinyc_tile_taps {
    const int8_t *taps[9];     /* the pixels under the kernel */
    int32_t last;              /* the last channel but one */
    const uint32_t *weights;   /* for two channels: of each tap both bytes, two taps in a word; the tenth are 0 */
    const int32_t *parameters; /* for two channels: biases, multipliers */
    int32_t offset, low, high; /* of the requantization, whose shift is 1 */
    int8_t *out;
};
