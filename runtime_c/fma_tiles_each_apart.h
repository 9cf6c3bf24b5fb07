/* The micro-kernels for one to four pixels of a depthwise convolution; multiplications and additions apart. */
static void (*const tinyc_fma_tiles_each_apart[])(struct tinyc_fma_tile *) = {
    tinyc_fma_one_each_apart, tinyc_fma_two_each_apart, tinyc_fma_three_each_apart, tinyc_fma_four_each_apart
};
