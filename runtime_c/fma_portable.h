/* What the micro-kernels of a convolution do, for compilers and cores that do not take their assembly. */
static inline TINYC_HOT_ATTR void tinyc_fma_portable(struct tinyc_fma_tile *tile, int32_t pixels)
{
    const int32_t step = tile->step / 4, out_step = tile->out_step / 4;
    const float *w = tile->weights;

    for (; tile->out < tile->out_end; tile->out += 4, tile->bias += 4, w += tile->next / 4) {
        float sums[16];

        for (int32_t i = 0; i < 4 * pixels; ++i) {
            sums[i] = tile->bias[i % 4];
        }
        for (const float *const *row = tile->rows; row < tile->end; ++row, w += tile->skip / 4) {
            const float *tap = *row + tile->way / 4;

            for (const float *end = tap + tile->taps / 4; tap < end; ++tap, w += 4) {
                for (int32_t i = 0; i < 4 * pixels; ++i) {
                    sums[i] += tap[i / 4 * step] * w[i % 4];
                }
            }
        }
        for (int32_t i = 0; i < 4 * pixels; ++i) {
            tile->out[i / 4 * out_step + i % 4] = sums[i];
        }
    }
    tile->weights = w;
}
