/* The micro-kernels for one to four pixels. */
static TINYC_TABLES_ATTR const tinyc_fma_kernel tinyc_fma_tiles[] = {
    tinyc_fma_one, tinyc_fma_two, tinyc_fma_three, tinyc_fma_four
};
