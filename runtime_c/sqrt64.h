/* The square root of value < 2^62, rounded down, bit by bit. */
static inline TINYC_HOT_ATTR uint32_t tinyc_sqrt64(uint64_t value)
{
    uint64_t root = 0;

    for (uint64_t bit = 1ULL << 60; bit != 0; bit >>= 2) {
        if (value >= root + bit) {
            value -= root + bit;
            root = (root >> 1) + bit;
        } else {
            root >>= 1;
        }
    }
    return (uint32_t)root;
}
