/* A vector times a matrix, four channels at a time; the last four may be some that were made already. */
static TINYC_ROUTINE_ATTR void tinyc_tile_vector(
    const struct tinyc_tile_matrix *matrix, const int8_t *in, int8_t *out)
{
    const int8_t *w = (const int8_t *)matrix->weights;
    const int32_t *parameters = matrix->parameters;
    const int32_t made = matrix->channels < 4 ? matrix->channels : 4;

    for (int32_t left = matrix->channels, step;; left -= step, out += step, parameters += 8) {
        int32_t sums[4] = { parameters[0], parameters[1], parameters[2], parameters[3] };

        tinyc_tile_add(in, w, matrix->depth, sums);
        w += 4 * matrix->depth;
        for (int32_t c = 0; c < made; ++c) {
            const int32_t y = tinyc_requantize(sums[c], parameters[4 + c], matrix->offset, 1);

            out[c] = (int8_t)tinyc_clamp(y, matrix->low, matrix->high);
        }
        if (left <= 4) {
            return;
        }
        step = left < 8 ? left - 4 : 4;
    }
}
