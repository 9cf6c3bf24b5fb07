/* Adds to the sums of eight channels the products of `count` inputs with weights of 8 bits, two words for each input.
 */
static TINYC_LAYER_ATTR TINYC_HOT_ATTR void tinyc_packed_products(
    const int8_t *x, const uint32_t *w, int32_t count, int32_t *sums)
{
    for (int32_t half = 0; half < 2; ++half, ++w, sums += 2) {
        int32_t a = 0, b = 0, c = 0, d = 0;

        for (int32_t i = 0; i < count; ++i) {
            const uint32_t word = w[2 * i];

            a += x[i] * (int8_t)word;
            b += x[i] * (int8_t)(word >> 8);
            c += x[i] * (int8_t)(word >> 16);
            d += x[i] * (int8_t)(word >> 24);
        }
        sums[0] += a;
        sums[1] += b;
        sums[4] += c;
        sums[5] += d;
    }
}
