/* Adds to the sums of eight channels the products of `count` inputs with weights of 4 bits, a word for each input:
 * two products in one multiplication, which stay apart while no more than `most` of them are added up. `mask` is
 * 0x000f000f, in a variable so that compilers keep it in a register: there, a shift costs nothing. */
static TINYC_LAYER_ATTR TINYC_HOT_ATTR void tinyc_packed_products4(
    const int8_t *x, const uint32_t *w, int32_t count, int32_t most, uint32_t mask, int32_t *sums)
{
    for (; count > 0; count -= most) {
        const int8_t *const end = x + (count < most ? count : most);
        int32_t a = 0, b = 0, c = 0, d = 0;

        if ((end - x) & 1) {
            const int32_t value = *x++;
            const uint32_t word = *w++;

            a = value * (int32_t)(word & mask);
            b = value * (int32_t)(word >> 4 & mask);
            c = value * (int32_t)(word >> 8 & mask);
            d = value * (int32_t)(word >> 12 & mask);
        }
        for (; x < end; x += 2, w += 2) {
            const int32_t one = x[0], two = x[1];
            const uint32_t first = w[0], second = w[1];

            a += one * (int32_t)(first & mask);
            b += one * (int32_t)(first >> 4 & mask);
            c += one * (int32_t)(first >> 8 & mask);
            d += one * (int32_t)(first >> 12 & mask);
            a += two * (int32_t)(second & mask);
            b += two * (int32_t)(second >> 4 & mask);
            c += two * (int32_t)(second >> 8 & mask);
            d += two * (int32_t)(second >> 12 & mask);
        }
        tinyc_packed_halves(sums, a);
        tinyc_packed_halves(sums + 1, b);
        tinyc_packed_halves(sums + 2, c);
        tinyc_packed_halves(sums + 3, d);
    }
}
