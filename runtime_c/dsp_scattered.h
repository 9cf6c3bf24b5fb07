/* A convolution whose taps do not lie side by side: of groups of channels, or with columns dilated. */
struct tinyc_dsp_scattered {
    struct tinyc_dsp_window window;
    struct tinyc_dsp_conv conv; /* of one group: its weights, channels, depth, zero point, scale and micro-kernels */
    int32_t groups;
    int32_t words;              /* of a group's weights */
};
