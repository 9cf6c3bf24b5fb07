/* Adds to the sums of eight channels the products of `count` inputs of 4 or 2 bits with weights of 8 bits, two words
 * for each input: as packed_products4.h does, with the mask 0x00ff00ff. */
static TINYC_LAYER_ATTR TINYC_HOT_ATTR void tinyc_packed_products8(
    const int8_t *x, const uint32_t *w, int32_t count, int32_t most, uint32_t mask, int32_t *sums)
{
    for (; count > 0; count -= most) {
        const int8_t *const end = x + (count < most ? count : most);
        int32_t a = 0, b = 0, c = 0, d = 0;

        for (; x < end; ++x, w += 2) {
            const int32_t value = *x;
            const uint32_t first = w[0], second = w[1];

            a += value * (int32_t)(first & mask);
            b += value * (int32_t)(first >> 8 & mask);
            c += value * (int32_t)(second & mask);
            d += value * (int32_t)(second >> 8 & mask);
        }
        tinyc_packed_halves(sums, a);
        tinyc_packed_halves(sums + 1, b);
        tinyc_packed_halves(sums + 2, c);
        tinyc_packed_halves(sums + 3, d);
    }
}
