/* Four bytes as a number, the first in the lowest bits, wherever they lie. */
static inline TINYC_HOT_ATTR uint32_t tinyc_word(const int8_t *from)
{
    return (uint8_t)from[0] | (uint32_t)(uint8_t)from[1] << 8 | (uint32_t)(uint8_t)from[2] << 16 |
           (uint32_t)(uint8_t)from[3] << 24;
}
