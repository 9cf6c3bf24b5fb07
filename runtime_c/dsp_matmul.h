/* A product of two matrices that are computed at run time; steps are in elements. */
struct tinyc_dsp_matmul {
    int32_t rows, depth, columns;
    int32_t left_row, left_step;     /* from one row to the next, and along a row */
    int32_t right_column, right_step;
    uint32_t left_zero, right_zero;  /* zero points to add, twice 16 bits */
    int32_t offset;                  /* of the requantization, whose shift is 1 */
    int32_t scale;                   /* sums are multiplied by 2^scale before it; biases are so already */
    const int32_t *biases;           /* of columns, NULL: none */
    const int32_t *multipliers;
    int32_t several;                 /* 1: one of them for each column */
    int32_t most;                    /* columns that are widened at a time, an even number */
};

/* All of it: `work` takes `most` columns and two rows as 16 bits. Some columns are widened, and multiplied with all
 * rows, two by two. */
static TINYC_ROUTINE_ATTR void tinyc_dsp_matmul(
    const struct tinyc_dsp_matmul *m, const int8_t *left, const int8_t *right, int8_t *out, uint32_t *work)
{
    const int32_t words = (m->depth + 3) / 4 * 4; /* of two rows, or of two columns */
    uint32_t *const columns = work + words;

    for (int32_t first = 0; first < m->columns; first += m->most) {
        const int32_t end = first + m->most < m->columns ? first + m->most : m->columns;

        for (int32_t n = first; n < end; ++n) {
            uint32_t *to = columns + (n - first) / 2 * words + (n - first) % 2;

            tinyc_dsp_centred(to, right + n * m->right_column, m->right_step, m->depth, m->right_zero, 2);
        }
        if (m->scale > 0) {
            tinyc_dsp_scaled(columns, m->most / 2 * words, m->scale);
        }
        for (int32_t row = 0; row < m->rows; row += 2) {
            const int32_t rows = row + 2 > m->rows ? 1 : 2;

            for (int32_t i = 0; i < rows; ++i) {
                tinyc_dsp_centred(work + i, left + (row + i) * m->left_row, m->left_step, m->depth, m->left_zero, 2);
            }
            for (int32_t n = first; n < end; n += 2) {
                int32_t sums[4] = { 0, 0, 0, 0 };

                tinyc_dsp_two_by_two(work, work + words, columns + (n - first) / 2 * words, sums);
                for (int32_t c = 0; c < 2 && n + c < end; ++c) {
                    const int32_t bias = m->biases == NULL ? 0 : m->biases[n + c];
                    const int32_t multiplier = m->multipliers[(n + c) * m->several];

                    for (int32_t r = 0; r < rows; ++r) {
                        const int32_t y = tinyc_requantize(sums[2 * r + c] + bias, multiplier, m->offset, 1);

                        out[(row + r) * m->columns + n + c] = (int8_t)tinyc_clamp(y, -128, 127);
                    }
                }
            }
        }
    }
}
