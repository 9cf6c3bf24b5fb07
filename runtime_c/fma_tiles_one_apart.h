/* The micro-kernel for one pixel, where there is never more than one; multiplications and additions apart. */
static TINYC_TABLES_ATTR const tinyc_fma_kernel tinyc_fma_tiles_one_apart[] = { tinyc_fma_one_apart };
