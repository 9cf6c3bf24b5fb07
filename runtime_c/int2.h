/* Element `lane`, 0 to 3, of a byte that holds four of 2 bits, the first in the lowest ones. */
static inline TINYC_HOT_ATTR int32_t tinyc_int2(uint32_t byte, uint32_t lane)
{
    return (int32_t)(byte << (30u - 2u * lane)) >> 30;
}
