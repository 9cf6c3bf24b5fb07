/* The micro-kernel for one pixel, where there is never more than one. */
static TINYC_TABLES_ATTR const tinyc_fma_kernel tinyc_fma_tiles_one[] = { tinyc_fma_one };
