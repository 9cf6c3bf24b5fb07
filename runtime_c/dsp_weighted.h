/* Weights of a query, one in three words of `scores`: those of two keys become one word, the first ones. Those of keys
 * from `count` to `most` are 0. Returns their sum. */
static TINYC_ROUTINE_ATTR uint32_t tinyc_dsp_weighted(
    const struct tinyc_dsp_exponent *e, uint32_t *scores, int32_t top, int32_t count, int32_t most)
{
    const uint32_t *from = scores, *const end = scores + count / 2 * 6;
    uint32_t *to = scores, total = 0;

    for (; from < end; from += 6, to += 3) {
        const uint32_t first = tinyc_dsp_weight(e, top, from[0]), second = tinyc_dsp_weight(e, top, from[3]);

        total += first + second;
        *to = first | second << 16;
    }
    if (count % 2 > 0) {
        *to = tinyc_dsp_weight(e, top, *from);
        total += *to;
        to += 3;
    }
    for (; to < scores + (most + 1) / 2 * 3; to += 3) {
        *to = 0;
    }
    return total;
}
