/* The micro-kernels for one to four pixels of a depthwise convolution. */
static void (*const tinyc_fma_tiles_each[])(struct tinyc_fma_tile *) = {
    tinyc_fma_one_each, tinyc_fma_two_each, tinyc_fma_three_each, tinyc_fma_four_each
};
