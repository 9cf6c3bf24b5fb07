/* What the micro-kernels of a depthwise convolution do, for compilers and cores that do not take their assembly. */
static inline TINYC_HOT_ATTR void tinyc_fma_portable_each(struct tinyc_fma_tile *tile, int32_t pixels)
{
    const int32_t step = tile->step / 4, out_step = tile->out_step / 4;
    const float *w = tile->weights;

    for (int32_t at = tile->way / 4; tile->out < tile->out_end; tile->out += 4, at += 4, w += tile->next / 4) {
        float sums[16];

        for (int32_t i = 0; i < 4 * pixels; ++i) {
            sums[i] = tile->bias[i % 4];
        }
        tile->bias += 4;
        for (const float *const *row = tile->rows; row < tile->end; ++row, w += tile->skip / 4) {
            const float *tap = *row + at;

            for (int32_t n = 0; n < tile->taps; ++n, tap += tile->pitch / 4, w += 4) {
                for (int32_t i = 0; i < 4 * pixels; ++i) {
                    sums[i] += tap[i / 4 * step + i % 4] * w[i % 4];
                }
            }
        }
        for (int32_t i = 0; i < 4 * pixels; ++i) {
            tile->out[i / 4 * out_step + i % 4] = sums[i];
        }
    }
    tile->weights = w;
}
