/* A byte for each of the spikes in `bytes` bytes: 254 where there is one, else 0. */
static TINYC_ROUTINE_ATTR void tinyc_spike_masks(const uint8_t *bits, int32_t bytes, uint8_t *masks)
{
    for (const uint8_t *const end = bits + bytes; bits < end; masks += 8) {
        const uint32_t byte = *bits++;
        const uint32_t low = ((byte & 15u) * 0x00204081u & 0x01010101u) * 254u;
        const uint32_t high = ((byte >> 4) * 0x00204081u & 0x01010101u) * 254u;

        memcpy(masks, &low, 4u);
        memcpy(masks + 4, &high, 4u);
    }
}
