/* As the fused ones, but for three pixels: with four no registers are left for products. */
static TINYC_TABLES_ATTR const tinyc_fma_kernel tinyc_fma_tiles_slide_apart[] = {
    tinyc_fma_one_each_apart, tinyc_fma_two_each_apart, tinyc_fma_three_slide_apart
};
