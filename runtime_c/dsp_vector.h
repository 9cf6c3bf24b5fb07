/* A vector of `depth` inputs, a multiple of eight, times a matrix, without working memory. */
static inline void tinyc_dsp_vector(
    const int8_t *in, int32_t depth, const uint32_t *weights, int32_t offset, int8_t *out, int32_t channels)
{
    const uint32_t *words = (const uint32_t *)(const void *)in;
    const struct tinyc_dsp_tile tile = {
        out + channels, offset, out, 0, 0, words, words + depth / 4, ((uint32_t)depth / 8u & 1u) * 136u + 1u
    };

    tinyc_dsp_four(&tile, weights);
}
