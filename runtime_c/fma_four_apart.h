/* A convolution, four pixels at a time; multiplications and additions apart. */
static TINYC_LAYER_ATTR TINYC_HOT_ATTR void tinyc_fma_four_apart(struct tinyc_fma_tile *tile)
{
#if defined(tinyc_fma_assembly)
    register struct tinyc_fma_tile *at __asm__("r0") = tile;

    __asm__ volatile(tinyc_fma_four_pixels(TINYC_FMA_APART) : : "r"(at) : TINYC_FMA_USED);
#else
    tinyc_fma_portable(tile, 4);
#endif
}
