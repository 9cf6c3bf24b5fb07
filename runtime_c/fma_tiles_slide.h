/* The micro-kernels for one to four pixels of a depthwise convolution with three columns and a stride of 1. */
static TINYC_TABLES_ATTR const tinyc_fma_kernel tinyc_fma_tiles_slide[] = {
    tinyc_fma_one_each, tinyc_fma_two_each, tinyc_fma_three_slide, tinyc_fma_four_slide
};
