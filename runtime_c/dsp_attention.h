/* Attention of int8. */
struct tinyc_dsp_attention {
    int32_t depth, width;         /* features of queries and keys, and of values */
    uint32_t zero;                /* zero point of queries to add, twice 16 bits */
    int32_t key_step, value_step; /* elements from one key or value to the next */
    struct tinyc_dsp_exponent exponent;
    uint32_t entry;               /* of tinyc_dsp_scores */
    uint64_t numerator;
    int32_t offset, shift;        /* of the requantization */
    int32_t nothing, far;         /* what stands for offset where no key counts; see tinyc_dsp_hide */
};

/* Results of three queries, of which each sees as many keys as the one before, or more, but for those that `seen` hides
 * (NULL: none). `work` takes the queries as 16 bits, and scores of all keys. */
static TINYC_ROUTINE_ATTR void tinyc_dsp_attention(
    const struct tinyc_dsp_attention *a, const int8_t *const *queries, const int8_t *keys, const int8_t *values,
    int8_t *const *results, const int32_t *counts, const uint8_t *const *seen, uint32_t *work)
{
    const int32_t first = (a->depth - 1) % 4 + 1, most = counts[2];
    uint32_t *const scores = work + 6 * ((a->depth + 3) / 4), *const pairs_end = scores + most / 2 * 3;
    struct tinyc_dsp_keys row = {
        work, scores, first, a->key_step - a->depth, a->entry, scores, scores + 3 * counts[0],
        { INT32_MIN, INT32_MIN, INT32_MIN },
    };
    int32_t shares[3], offsets[3];

    for (int32_t n = 0; n < 3; ++n) {
        tinyc_dsp_centred(work + n, queries[n], 1, first, a->zero, 3);
        tinyc_dsp_centred(work + n + 6, queries[n] + first, 1, a->depth - first, a->zero, 3);
    }
    tinyc_dsp_scores(&row, keys);
    for (int32_t j = counts[0]; j < most; ++j) { /* keys that not all of them see */
        const int32_t hidden[2] = { row.tops[0], row.tops[1] };

        row.scores_end += 3;
        tinyc_dsp_scores(&row, keys + j * a->key_step);
        row.tops[0] = hidden[0];
        row.tops[1] = j < counts[1] ? row.tops[1] : hidden[1];
    }
    for (int32_t n = 0; n < 3; ++n) {
        const int32_t top = seen == NULL ? row.tops[n] : tinyc_dsp_hide(scores + n, seen[n], counts[n], a->far);
        const int32_t count = top == INT32_MIN ? 0 : counts[n];
        const uint32_t total = tinyc_dsp_weighted(&a->exponent, scores + n, top, count, most);

        shares[n] = total > 0u ? (int32_t)(a->numerator / total) : 0;
        offsets[n] = total > 0u ? a->offset : a->nothing;
    }
    for (int32_t c = 0; c < a->width; c += 2) {
        const int32_t channel = c + 2 > a->width ? a->width - 2 : c; /* the last one but one again */
        const int8_t *const last = values + (most - 1) * a->value_step + channel;
        int32_t sums[6];

        tinyc_dsp_values(values + channel, a->value_step, scores, pairs_end, sums);
        for (int32_t i = 0; most % 2 > 0 && i < 6; ++i) {
            sums[i] += (int32_t)pairs_end[i / 2] * last[i % 2];
        }
        for (int32_t n = 0; n < 3; ++n) {
            int8_t *const result = results[n] + channel;

            result[0] = tinyc_dsp_byte(sums[2 * n], shares[n], offsets[n], a->shift);
            result[1] = tinyc_dsp_byte(sums[2 * n + 1], shares[n], offsets[n], a->shift);
        }
    }
}
