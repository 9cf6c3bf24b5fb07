/* As the fused ones, but for three pixels: with four no registers are left for products. */
static void (*const tinyc_fma_tiles_slide_apart[])(struct tinyc_fma_tile *) = {
    tinyc_fma_one_each_apart, tinyc_fma_two_each_apart, tinyc_fma_three_slide_apart
};
