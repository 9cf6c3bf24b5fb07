/* The micro-kernels for one to four pixels; multiplications and additions apart. */
static void (*const tinyc_fma_tiles_apart[])(struct tinyc_fma_tile *) = {
    tinyc_fma_one_apart, tinyc_fma_two_apart, tinyc_fma_three_apart, tinyc_fma_four_apart
};
