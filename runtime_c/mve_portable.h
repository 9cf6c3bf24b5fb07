/* A tile of one or two pixels, in C. */
static inline void tinyc_mve_portable(const struct tinyc_mve_tile *tile, const uint32_t *weights, int32_t pixels)
{
    for (int32_t c = 0; c < tile->channels; ++c) {
        const uint32_t *four = weights + c / 4 * (tile->bytes + 8), *ends = four + tile->bytes + c % 4;

        for (int32_t pixel = 0; pixel < pixels; ++pixel) {
            const int8_t *in = pixel == 0 ? tile->a : tile->b;
            uint32_t sum = ends[0];

            for (int32_t i = tile->lead; i < tile->bytes; ++i) {
                const uint32_t word = four[i / 16 * 16 + c % 4 * 4 + i % 16 / 4];

                sum += (uint32_t)(in[i] * (int8_t)(word >> 8 * (i % 4)));
            }
            (pixel == 0 ? tile->out_a : tile->out_b)[c] = (int8_t)tinyc_clamp(
                tinyc_requantize((int32_t)sum, (int32_t)ends[4], tile->offset, 1), -128, 127);
        }
    }
}
