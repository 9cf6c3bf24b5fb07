/* Element i of a byte of eight elements of one bit, the first in the lowest one. */
static inline TINYC_HOT_ATTR int tinyc_int1(uint8_t byte, int i)
{
    return byte >> i & 1;
}
