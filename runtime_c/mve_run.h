/* Pixels of a depthwise convolution with nine taps that follow one another; channels are 16 or more. */
struct tinyc_mve_run {
    const int8_t *taps[9];   /* under the first pixel; each pixel advances them by its channels */
    const uint32_t *weights;
    int8_t *out;
    int32_t last;            /* channels - 16 */
    int32_t offset;          /* of the requantization, whose shift is 1 */
    int32_t pixels;
    int32_t steps[3];        /* further from pixel to pixel, of each row of taps */
};
