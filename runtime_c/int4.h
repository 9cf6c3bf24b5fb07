/* Element `lane`, 0 or 1, of a byte that holds two of 4 bits, the first in the lower half. */
static inline TINYC_HOT_ATTR int32_t tinyc_int4(uint32_t byte, uint32_t lane)
{
    return (int32_t)(byte << (28u - 4u * lane)) >> 28;
}
