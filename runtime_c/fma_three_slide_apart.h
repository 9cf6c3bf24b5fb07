/* A depthwise convolution with three columns and a stride of 1,
 * three pixels at a time; multiplications and additions apart. */
static TINYC_LAYER_ATTR TINYC_HOT_ATTR void tinyc_fma_three_slide_apart(struct tinyc_fma_tile *tile)
{
#if defined(tinyc_fma_assembly)
    register struct tinyc_fma_tile *at __asm__("r0") = tile;

    __asm__ volatile(tinyc_fma_three_pixels_slide(TINYC_FMA_COLUMN_APART) : : "r"(at) : TINYC_FMA_USED);
#else
    tinyc_fma_portable_each(tile, 3);
#endif
}
