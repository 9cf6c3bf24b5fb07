/* Taps of two pixels, side by side in words. */
static TINYC_LAYER_ATTR TINYC_HOT_ATTR void tinyc_tile_words(
    uint32_t *to, const int8_t *first, const int8_t *second, int32_t count)
{
    const uint32_t *fours = to + (count & ~3), *end = to + count;

    for (; to < fours; to += 4, first += 4, second += 4) {
        to[0] = (uint32_t)(first[0] + second[0] * 65536);
        to[1] = (uint32_t)(first[1] + second[1] * 65536);
        to[2] = (uint32_t)(first[2] + second[2] * 65536);
        to[3] = (uint32_t)(first[3] + second[3] * 65536);
    }
    while (to < end) {
        *to++ = (uint32_t)(*first++ + *second++ * 65536);
    }
}
