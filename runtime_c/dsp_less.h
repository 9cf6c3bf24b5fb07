/* What the first of two channels' sums have too much where its weights of 4 bits are stored plus 8: 8 times each
 * pixel's inputs. */
static TINYC_LAYER_ATTR TINYC_HOT_ATTR void tinyc_dsp_less(struct tinyc_dsp_tile *tile, int32_t lanes)
{
    for (int32_t lane = 0; lane < lanes; ++lane) {
        int32_t less = 0;

        for (const uint32_t *x = tile->pixels + lane; x < tile->end; x += lanes) {
#if defined(tinyc_dsp_assembly)
            __asm__("smlad %0, %1, %2, %0" : "+r"(less) : "r"(*x), "r"(0xFFF8FFF8u));
#else
            less -= 8 * ((int16_t)*x + (int16_t)(*x >> 16));
#endif
        }
        tile->less[lane] = less;
    }
}
