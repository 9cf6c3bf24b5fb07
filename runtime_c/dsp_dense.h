/* A vector of `depth` inputs times a matrix; `work` takes the inputs as 16 bits, in a multiple of eight, and times
 * 2^scale. `multiply` is the micro-kernel, `bytes` the length of a turn in its loop; `raised`: it takes weights of
 * 4 bits. */
static TINYC_ROUTINE_ATTR void tinyc_dsp_dense(
    const int8_t *in, int32_t depth, const uint32_t *weights, int32_t offset, int8_t *out, int32_t channels,
    int32_t scale, uint32_t *work, void (*multiply)(const struct tinyc_dsp_tile *, const uint32_t *), uint32_t bytes,
    int raised)
{
    const int32_t whole = depth & ~3, padded = (depth + 7) & ~7;
    const uint32_t unrolled = (0u - (uint32_t)padded / 8u) & 3u;
    struct tinyc_dsp_tile tile = {
        out + channels, offset, out, 0, 0, work, work + padded / 2, unrolled * bytes + 1u, { 0, 0, 0 }
    };

    tinyc_dsp_spread(work, in, whole, 1);
    if (whole < padded) {
        int8_t rest[8] = { 0, 0, 0, 0, 0, 0, 0, 0 };

        for (int32_t i = whole; i < depth; ++i) {
            rest[i - whole] = in[i];
        }
        tinyc_dsp_spread(work + whole / 2, rest, padded - whole, 1);
    }
    if (scale > 0) {
        tinyc_dsp_scaled(work, padded / 2, scale);
    }
    if (raised) {
        tinyc_dsp_less(&tile, 1);
    }
    multiply(&tile, weights);
}
