/* Adds to the sums of eight channels the products of `count` inputs with weights of 2 bits, a word for two inputs: as
 * packed_products4.h does, with the mask 0x00030003. `most` is even. */
static TINYC_LAYER_ATTR TINYC_HOT_ATTR void tinyc_packed_products2(
    const int8_t *x, const uint32_t *w, int32_t count, int32_t most, uint32_t mask, int32_t *sums)
{
    for (; count > 0; count -= most) {
        const int8_t *const end = x + (count < most ? count : most);
        int32_t a = 0, b = 0, c = 0, d = 0;

        for (; end - x > 1; x += 2) {
            const int32_t one = x[0], two = x[1];
            const uint32_t word = *w++;

            a += one * (int32_t)(word & mask);
            b += one * (int32_t)(word >> 2 & mask);
            c += one * (int32_t)(word >> 4 & mask);
            d += one * (int32_t)(word >> 6 & mask);
            a += two * (int32_t)(word >> 8 & mask);
            b += two * (int32_t)(word >> 10 & mask);
            c += two * (int32_t)(word >> 12 & mask);
            d += two * (int32_t)(word >> 14 & mask);
        }
        if (x < end) {
            a += *x * (int32_t)(*w & mask);
            b += *x * (int32_t)(*w >> 2 & mask);
            c += *x * (int32_t)(*w >> 4 & mask);
            d += *x * (int32_t)(*w >> 6 & mask);
        }
        tinyc_packed_halves(sums, a);
        tinyc_packed_halves(sums + 1, b);
        tinyc_packed_halves(sums + 2, c);
        tinyc_packed_halves(sums + 3, d);
    }
}
