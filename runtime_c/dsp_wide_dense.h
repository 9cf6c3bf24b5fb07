/* A matrix that vectors of 16 bits are multiplied with. */
struct tinyc_dsp_wide_matrix {
    const uint32_t *weights;
    int32_t offset, shift;
    int32_t depth, taps; /* of a vector, and filled up to a multiple of four */
    int32_t channels;
};

/* Its product with a vector; `work` takes one that has to be filled up. */
static TINYC_ROUTINE_ATTR void tinyc_dsp_wide_dense(
    const struct tinyc_dsp_wide_matrix *matrix, const int16_t *in, int16_t *out, int16_t *work)
{
    const int32_t taps = matrix->taps, rest = matrix->channels & 3, whole = matrix->channels - rest;
    struct tinyc_dsp_wide tile = {
        out, out + whole, 0, 0, matrix->offset, matrix->shift, in, in + taps, tinyc_dsp_wide_skip(taps)
    };

    if (matrix->depth < taps) {
        for (int32_t i = 0; i < taps; ++i) {
            work[i] = i < matrix->depth ? in[i] : 0;
        }
        tile.taps = work;
        tile.end = work + taps;
    }
    if (whole > 0) {
        tinyc_dsp_wide_four(&tile, matrix->weights);
    }
    if (rest > 0) {
        int16_t last[4];

        tile.out = last;
        tile.out_end = last + 4;
        tinyc_dsp_wide_four(&tile, matrix->weights + whole / 4 * (8 + taps));
        for (int32_t c = 0; c < rest; ++c) {
            out[whole + c] = last[c];
        }
    }
}
