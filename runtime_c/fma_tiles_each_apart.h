/* The micro-kernels for one to four pixels of a depthwise convolution; multiplications and additions apart. */
static TINYC_TABLES_ATTR const tinyc_fma_kernel tinyc_fma_tiles_each_apart[] = {
    tinyc_fma_one_each_apart, tinyc_fma_two_each_apart, tinyc_fma_three_each_apart, tinyc_fma_four_each_apart
};
