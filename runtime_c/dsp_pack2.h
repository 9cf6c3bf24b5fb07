/* Packs the upper 2 bits of bytes, those of each pixel by themselves; gives what lies behind. */
static TINYC_LAYER_ATTR TINYC_HOT_ATTR uint8_t *tinyc_dsp_pack2(
    uint8_t *to, const int8_t *from, int32_t channels, int32_t pixels)
{
    for (; pixels > 0; --pixels) {
        for (const int8_t *end = from + (channels & ~3); from < end; from += 4) {
            *to++ = (uint8_t)(
                (uint8_t)from[0] >> 6 | (from[1] & 0xc0) >> 4 | (from[2] & 0xc0) >> 2 | (from[3] & 0xc0));
        }
        if (channels & 3) {
            uint32_t last = 0;

            for (int32_t i = 0; i < (channels & 3); ++i) {
                last |= (uint32_t)((uint8_t)*from++ >> 6) << (2 * i);
            }
            *to++ = (uint8_t)last;
        }
    }
    return to;
}
