/* A convolution, one pixel at a time. */
static TINYC_LAYER_ATTR TINYC_HOT_ATTR void tinyc_fma_one(struct tinyc_fma_tile *tile)
{
#if defined(tinyc_fma_assembly)
    register struct tinyc_fma_tile *at __asm__("r0") = tile;

    __asm__ volatile(tinyc_fma_one_pixels(TINYC_FMA_FUSED) : : "r"(at) : TINYC_FMA_USED);
#else
    tinyc_fma_portable(tile, 1);
#endif
}
