/* A vector of `depth` inputs, a multiple of eight, times a matrix, without working memory. `multiply` is the
 * micro-kernel, `bytes` the length of a turn in its loop. */
static inline TINYC_HOT_ATTR void tinyc_dsp_vector(
    const int8_t *in, int32_t depth, const uint32_t *weights, int32_t offset, int8_t *out, int32_t channels,
    void (*multiply)(const struct tinyc_dsp_tile *, const uint32_t *), uint32_t bytes)
{
    const uint32_t *words = (const uint32_t *)(const void *)in;
    const struct tinyc_dsp_tile tile = {
        out + channels, offset, out, 0, 0, words, words + depth / 4, ((uint32_t)depth / 8u & 1u) * bytes + 1u,
        { 0, 0, 0 }
    };

    multiply(&tile, weights);
}
