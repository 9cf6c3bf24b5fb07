/* Adds to the sums of eight channels the products of `count` inputs of 4 or 2 bits with weights of 8 bits, two words
 * for each input: two products in one multiplication, which stay apart while no more than `most` are added up. */
static TINYC_LAYER_ATTR TINYC_HOT_ATTR void tinyc_packed_products8(
    const int8_t *x, const uint32_t *w, int32_t count, int32_t most, int32_t *sums)
{
    while (count > 0) {
        const int8_t *const end = x + (count < most ? count : most);
        int32_t a = 0, b = 0, c = 0, d = 0;

        do {
            const int32_t value = *x++;
            const uint32_t first = *w++, second = *w++;

            a += value * (int32_t)(first & 0x00ff00ffu);
            b += value * (int32_t)(first >> 8 & 0x00ff00ffu);
            c += value * (int32_t)(second & 0x00ff00ffu);
            d += value * (int32_t)(second >> 8 & 0x00ff00ffu);
        } while (x < end);
        tinyc_packed_halves(sums, a);
        tinyc_packed_halves(sums + 1, b);
        tinyc_packed_halves(sums + 2, c);
        tinyc_packed_halves(sums + 3, d);
        count -= most;
    }
}
