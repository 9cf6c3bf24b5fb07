/* A vector of `depth` inputs times a matrix. */
static inline TINYC_HOT_ATTR void tinyc_mve_dense(
    const int8_t *in, int32_t depth, const uint32_t *weights, int32_t offset, int8_t *out, int32_t channels)
{
    const int32_t lead = -depth & 15, bytes = depth + lead;
    const uint32_t more = (uint32_t)bytes / 16u - 1u, unrolled = more == 0u ? 4u : (0u - more) & 3u;
    const struct tinyc_mve_tile tile = {
        0xffffu & 0xffffu << lead, in - lead, out, NULL, NULL, offset, unrolled * 36u + 1u, bytes, in + depth, channels,
        0, 0, weights, lead
    };

    tinyc_mve_one(&tile);
}
