/* What sums have too much where weights are stored `raised`: so many times each pixel's inputs. */
static TINYC_LAYER_ATTR TINYC_HOT_ATTR void tinyc_dsp_less(struct tinyc_dsp_tile *tile, int32_t lanes, int32_t raised)
{
#if defined(tinyc_dsp_assembly)
    const uint32_t factors = (uint32_t)-raised << 16 | (uint16_t)-raised;

#endif
    for (int32_t lane = 0; lane < lanes; ++lane) {
        int32_t less = 0;

        for (const uint32_t *x = tile->pixels + lane; x < tile->end; x += lanes) {
#if defined(tinyc_dsp_assembly)
            __asm__("smlad %0, %1, %2, %0" : "+r"(less) : "r"(*x), "r"(factors));
#else
            less -= raised * ((int16_t)*x + (int16_t)(*x >> 16));
#endif
        }
        tile->less[lane] = less;
    }
}
