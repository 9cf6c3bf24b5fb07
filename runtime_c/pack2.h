/* A byte of four elements of 2 bits, the first in the lowest ones. */
static inline TINYC_HOT_ATTR uint8_t tinyc_pack2(int32_t a, int32_t b, int32_t c, int32_t d)
{
    return (uint8_t)(((uint32_t)a & 3u) | ((uint32_t)b & 3u) << 2 | ((uint32_t)c & 3u) << 4 | (uint32_t)d << 6);
}
