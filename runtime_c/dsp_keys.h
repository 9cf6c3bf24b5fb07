/* Scores of three queries, which are widened and take turns, with keys: products of four features at a time, of which
 * the first ones are `first`, 1 to 4. */
struct tinyc_dsp_keys {
    const uint32_t *queries, *queries_end;
    int32_t first, gap;             /* features; elements from the end of a key to the next one */
    uint32_t entry;                 /* where the loop of the micro-kernel is entered */
    uint32_t *scores, *scores_end;  /* three for each key */
    int32_t tops[3];                /* the largest ones */
};
