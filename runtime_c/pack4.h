/* A byte of two elements of 4 bits, the first in the lower half. */
static inline TINYC_HOT_ATTR uint8_t tinyc_pack4(int32_t a, int32_t b)
{
    return (uint8_t)(((uint32_t)a & 15u) | ((uint32_t)b << 4));
}
