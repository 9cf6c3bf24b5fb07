/* The micro-kernels for one to four pixels; multiplications and additions apart. */
static TINYC_TABLES_ATTR const tinyc_fma_kernel tinyc_fma_tiles_apart[] = {
    tinyc_fma_one_apart, tinyc_fma_two_apart, tinyc_fma_three_apart, tinyc_fma_four_apart
};
