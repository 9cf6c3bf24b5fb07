/* Adds to the sums of eight channels the products of `count` inputs with weights of 4 bits, a word for each input:
 * two products in one multiplication, which stay apart while no more than `most` of them are added up. */
static TINYC_LAYER_ATTR TINYC_HOT_ATTR void tinyc_packed_products4(
    const int8_t *x, const uint32_t *w, int32_t count, int32_t most, int32_t *sums)
{
    while (count > 0) {
        const int8_t *const end = x + (count < most ? count : most);
        int32_t a = 0, b = 0, c = 0, d = 0;

        do {
            const int32_t value = *x++;
            const uint32_t word = *w++;

            a += value * (int32_t)(word & 0x000f000fu);
            b += value * (int32_t)(word >> 4 & 0x000f000fu);
            c += value * (int32_t)(word >> 8 & 0x000f000fu);
            d += value * (int32_t)(word >> 12 & 0x000f000fu);
        } while (x < end);
        tinyc_packed_halves(sums, a);
        tinyc_packed_halves(sums + 1, b);
        tinyc_packed_halves(sums + 2, c);
        tinyc_packed_halves(sums + 3, d);
        count -= most;
    }
}
