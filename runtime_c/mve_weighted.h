/* An output: the sum of `count` weighted taps, requantized. `block` has the weights of 16 channels, `lane` is one of
 * these, and `at` its place in each tap. */
static inline TINYC_HOT_ATTR int8_t tinyc_mve_weighted(
    const int8_t *const *taps, int32_t count, int32_t at, const uint32_t *block, int32_t lane, int32_t offset)
{
    static TINYC_TABLES_ATTR const uint8_t turn[4] = { 0, 2, 1, 3 };
    const uint32_t *ends = block + 4 * count + 4 * turn[lane % 4] + lane / 4;
    uint32_t sum = ends[0];

    for (int32_t k = 0; k < count; ++k) {
        sum += (uint32_t)(taps[k][at] * (int8_t)(block[4 * k + lane / 4] >> 8 * (lane % 4)));
    }
    return (int8_t)tinyc_clamp(tinyc_requantize((int32_t)sum, (int32_t)ends[16], offset, 1), -128, 127);
}
