/* Adds to the sums of eight channels the products of `count` inputs with weights of 2 bits, a word for two inputs:
 * two products in one multiplication, which stay apart while no more than `most` of them are added up. */
static TINYC_LAYER_ATTR TINYC_HOT_ATTR void tinyc_packed_products2(
    const int8_t *x, const uint32_t *w, int32_t count, int32_t most, int32_t *sums)
{
    for (most &= ~1; count > 0; count -= most) {
        const int8_t *const end = x + (count < most ? count : most);
        int32_t a = 0, b = 0, c = 0, d = 0;

        do {
            const uint32_t word = *w++;
            int32_t value = *x++;

            a += value * (int32_t)(word & 0x00030003u);
            b += value * (int32_t)(word >> 2 & 0x00030003u);
            c += value * (int32_t)(word >> 4 & 0x00030003u);
            d += value * (int32_t)(word >> 6 & 0x00030003u);
            if (x == end) {
                break;
            }
            value = *x++;
            a += value * (int32_t)(word >> 8 & 0x00030003u);
            b += value * (int32_t)(word >> 10 & 0x00030003u);
            c += value * (int32_t)(word >> 12 & 0x00030003u);
            d += value * (int32_t)(word >> 14 & 0x00030003u);
        } while (x < end);
        tinyc_packed_halves(sums, a);
        tinyc_packed_halves(sums + 1, b);
        tinyc_packed_halves(sums + 2, c);
        tinyc_packed_halves(sums + 3, d);
    }
}
