/* As dsp_spread.h, `count` bytes of elements of 2 bits, to which 2 is added so that none is negative: elements i and
 * i + 8 of 16 in one word, each times 2^shift. */
static TINYC_LAYER_ATTR TINYC_HOT_ATTR void tinyc_dsp_spread2(
    uint32_t *to, const int8_t *from, int32_t count, int32_t lanes, uint32_t shift)
{
    for (const int8_t *end = from + count; from < end; from += 4, to += 8 * lanes) {
        const uint32_t word = tinyc_word(from) ^ 0xAAAAAAAAu;

        to[0] = (word & 0x00030003u) << shift;
        to[lanes] = (word >> 2 & 0x00030003u) << shift;
        to[2 * lanes] = (word >> 4 & 0x00030003u) << shift;
        to[3 * lanes] = (word >> 6 & 0x00030003u) << shift;
        to[4 * lanes] = (word >> 8 & 0x00030003u) << shift;
        to[5 * lanes] = (word >> 10 & 0x00030003u) << shift;
        to[6 * lanes] = (word >> 12 & 0x00030003u) << shift;
        to[7 * lanes] = (word >> 14 & 0x00030003u) << shift;
    }
}
