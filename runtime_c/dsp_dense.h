/* A matrix that vectors are multiplied with. */
struct tinyc_dsp_matrix {
    const uint32_t *weights;
    int32_t offset;    /* of the requantization, whose shift is 1 */
    int32_t depth;     /* bytes of a vector, with inputs.many elements in each, */
    int32_t padded;    /* and of one that is filled up to a multiple of four bytes and of eight elements */
    int32_t channels;  /* of the output */
    struct tinyc_dsp_inputs inputs;
    uint8_t raised;    /* as in struct tinyc_dsp_conv */
    uint8_t one_bytes; /* length of a turn in the loop of the micro-kernel */
    void (*one)(const struct tinyc_dsp_tile *, const uint32_t *);
};

/* Its product with a vector, for which `work` takes the inputs as 16 bits. */
static TINYC_ROUTINE_ATTR void tinyc_dsp_dense(
    const struct tinyc_dsp_matrix *matrix, const int8_t *in, int8_t *out, uint32_t *work)
{
    const int32_t depth = matrix->depth, whole = depth & ~3, padded = matrix->padded;
    const int32_t words = padded / 2 * matrix->inputs.many;
    const uint32_t unrolled = (0u - (uint32_t)words / 4u) & 3u;
    struct tinyc_dsp_tile tile = {
        out + matrix->channels, matrix->offset, out, 0, 0, work, work + words, unrolled * matrix->one_bytes + 1u,
        { 0, 0, 0 }
    };

    tinyc_dsp_widened(&matrix->inputs, work, in, whole, 1);
    if (whole < padded) {
        int8_t rest[8] = { 0, 0, 0, 0, 0, 0, 0, 0 };

        for (int32_t i = whole; i < depth; ++i) {
            rest[i - whole] = in[i];
        }
        tinyc_dsp_widened(&matrix->inputs, work + whole / 2 * matrix->inputs.many, rest, padded - whole, 1);
    }
    if (matrix->inputs.scale > 0) {
        tinyc_dsp_scaled(work, words, matrix->inputs.scale);
    }
    if (matrix->raised > 0) {
        tinyc_dsp_less(&tile, 1, matrix->raised);
    }
    matrix->one(&tile, matrix->weights);
}
