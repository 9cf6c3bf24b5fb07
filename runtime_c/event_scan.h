/* Appends to a list the numbers of the bits that are set in `bytes` bytes, the first bit's being `first`; returns where
 * the list then ends. */
static TINYC_ROUTINE_ATTR uint16_t *tinyc_event_scan(const uint8_t *bits, int32_t bytes, int32_t first, uint16_t *list)
{
    while (bytes > 0) {
        uint32_t word = bits[0];

        if (bytes > 3) {
            word |= (uint32_t)bits[1] << 8 | (uint32_t)bits[2] << 16 | (uint32_t)bits[3] << 24;
        } else if (bytes > 1) {
            word |= (uint32_t)bits[1] << 8 | (bytes > 2 ? (uint32_t)bits[2] << 16 : 0u);
        }
        for (; word != 0; word &= word - 1u) {
            *list++ = (uint16_t)(first + tinyc_ctz(word));
        }
        bits += 4;
        bytes -= 4;
        first += 32;
    }
    return list;
}
