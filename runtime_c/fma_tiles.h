/* The micro-kernels for one to four pixels. */
static void (*const tinyc_fma_tiles[])(struct tinyc_fma_tile *) = {
    tinyc_fma_one, tinyc_fma_two, tinyc_fma_three, tinyc_fma_four
};
