/* As dsp_spread.h, `count` bytes of elements of 4 bits, to which 8 is added so that none is negative: elements i and
 * i + 4 of 8 in one word, each times 2^shift. */
static TINYC_LAYER_ATTR TINYC_HOT_ATTR void tinyc_dsp_spread4(
    uint32_t *to, const int8_t *from, int32_t count, int32_t lanes, uint32_t shift)
{
    for (const int8_t *end = from + count; from < end; from += 4, to += 4 * lanes) {
        const uint32_t word = tinyc_word(from) ^ 0x88888888u;

        to[0] = (word & 0x000F000Fu) << shift;
        to[lanes] = (word >> 4 & 0x000F000Fu) << shift;
        to[2 * lanes] = (word >> 8 & 0x000F000Fu) << shift;
        to[3 * lanes] = (word >> 12 & 0x000F000Fu) << shift;
    }
}
