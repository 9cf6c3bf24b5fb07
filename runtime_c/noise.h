/* 8 bits of noise for a place in its sequence. */
static inline TINYC_HOT_ATTR uint32_t tinyc_noise(uint32_t place)
{
    place ^= place >> 16;
    place *= 569420461u;
    place ^= place >> 15;
    place *= 1935289751u;
    return place >> 24;
}
