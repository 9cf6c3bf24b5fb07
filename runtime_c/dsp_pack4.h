/* Packs the upper 4 bits of bytes, those of each pixel by themselves; gives what lies behind. */
static TINYC_LAYER_ATTR TINYC_HOT_ATTR uint8_t *tinyc_dsp_pack4(
    uint8_t *to, const int8_t *from, int32_t channels, int32_t pixels)
{
    for (; pixels > 0; --pixels) {
        for (const int8_t *end = from + channels - 1; from < end; from += 2) {
            *to++ = (uint8_t)((uint8_t)from[0] >> 4 | (from[1] & 0xf0));
        }
        if (channels & 1) {
            *to++ = (uint8_t)*from++ >> 4;
        }
    }
    return to;
}
