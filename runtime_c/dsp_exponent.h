/* How a score's distance to the largest one becomes the exponent of a weight, in 1/256 octaves. */
struct tinyc_dsp_exponent {
    const uint16_t *table;            /* twice the weight for the lower 8 bits */
    int32_t gain, up, rounding, down;
};
