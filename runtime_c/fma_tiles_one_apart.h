/* The micro-kernel for one pixel, where there is never more than one; multiplications and additions apart. */
static void (*const tinyc_fma_tiles_one_apart[])(struct tinyc_fma_tile *) = { tinyc_fma_one_apart };
