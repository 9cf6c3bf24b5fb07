/* Appends to a list the numbers of the bits that are set in `bytes` bytes, the first bit's being `first`; returns where
 * the list then ends. */
static TINYC_ROUTINE_ATTR uint16_t *tinyc_event_scan(const uint8_t *bits, int32_t bytes, int32_t first, uint16_t *list)
{
    for (; bytes > 0; bits += 4, bytes -= 4, first += 32) {
        for (uint32_t word = tinyc_spike_word(bits, bytes); word != 0; word &= word - 1u) {
            *list++ = (uint16_t)(first + tinyc_ctz(word));
        }
    }
    return list;
}
