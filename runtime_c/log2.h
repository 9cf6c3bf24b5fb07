/* log2(value) in 24 fraction bits, rounded down, for 2^31 <= value < 2^63. Squaring the mantissa doubles its
 * logarithm: each step shifts one more bit of it to the left of the point. */
static inline TINYC_HOT_ATTR int32_t tinyc_log2(uint64_t value)
{
    int32_t result = 31;

    while (value >= (1ULL << 32)) {
        value >>= 1;
        ++result;
    }
    for (int bit = 0; bit < 24; ++bit) {
        value = (value * value) >> 31;
        result *= 2;
        if (value >= (1ULL << 32)) {
            value >>= 1;
            ++result;
        }
    }
    return result;
}
