/* The micro-kernels for one to four pixels of a depthwise convolution. */
static TINYC_TABLES_ATTR const tinyc_fma_kernel tinyc_fma_tiles_each[] = {
    tinyc_fma_one_each, tinyc_fma_two_each, tinyc_fma_three_each, tinyc_fma_four_each
};
