/* The first 32 of the spikes in `bytes` bytes, the first in the lowest bit; 0 for those that are not there. */
static inline TINYC_HOT_ATTR uint32_t tinyc_spike_word(const uint8_t *bits, int32_t bytes)
{
    uint32_t word = bits[0];

    if (bytes > 3) {
        word |= (uint32_t)bits[1] << 8 | (uint32_t)bits[2] << 16 | (uint32_t)bits[3] << 24;
    } else if (bytes > 1) {
        word |= (uint32_t)bits[1] << 8 | (bytes > 2 ? (uint32_t)bits[2] << 16 : 0u);
    }
    return word;
}
