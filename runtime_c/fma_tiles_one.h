/* The micro-kernel for one pixel, where there is never more than one. */
static void (*const tinyc_fma_tiles_one[])(struct tinyc_fma_tile *) = { tinyc_fma_one };
