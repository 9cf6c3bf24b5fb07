/* Adds to four sums the products of `count` inputs, those from x on, and their weights w, four of each. */
static inline TINYC_HOT_ATTR void tinyc_tile_add(const int8_t *x, const int8_t *w, int32_t count, int32_t *sums)
{
    const int32_t fours = count & ~3;

    tinyc_tile_fours(x, w, x + fours, sums);
    for (int32_t i = fours; i < count; ++i) {
        sums[0] += x[i] * w[4 * i];
        sums[1] += x[i] * w[4 * i + 1];
        sums[2] += x[i] * w[4 * i + 2];
        sums[3] += x[i] * w[4 * i + 3];
    }
}
