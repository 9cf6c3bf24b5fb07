/* Adds up `count` rows of weights, at most 255, of which `list` has the numbers, for the eight outputs of a block, or
 * for the four of a word where it has one. Weights are raised by 128, so that a sum of words is a sum of four numbers:
 * without the odd bytes, which are added up apart, it leaves the even ones as halves. */
static TINYC_LAYER_ATTR TINYC_HOT_ATTR void tinyc_event_rows(
    const uint32_t *weights, int32_t words, const uint16_t *list, int32_t count, uint32_t mask, uint32_t *halves)
{
    const uint16_t *const end = list + count;
    uint32_t a = 0, b = 0, c = 0, d = 0;

    if (words > 1) {
        for (; list < end; ++list) {
            const uint32_t *row = weights + 2u * *list;
            const uint32_t first = row[0], second = row[1];

            a += first;
            b += first >> 8 & mask;
            c += second;
            d += second >> 8 & mask;
        }
    } else {
        for (; list < end; ++list) {
            const uint32_t first = weights[*list];

            a += first;
            b += first >> 8 & mask;
        }
    }
    halves[0] = a - (b << 8);
    halves[1] = b;
    halves[2] = c - (d << 8);
    halves[3] = d;
}
