/* As dsp_store8.h, packs the upper 4 bits of the bytes. */
static TINYC_LAYER_ATTR TINYC_HOT_ATTR void tinyc_dsp_store4(
    int8_t *to, int32_t step, const int8_t *from, int32_t count, int32_t channels)
{
    const uint32_t kept = 0xF0F0F0F0u >> (32 - 8 * channels);

    for (; count > 0; --count, to += step, from += 4) {
        const uint32_t four = tinyc_word(from) & kept, two = four >> 4 | four >> 8;

        to[0] = (int8_t)two;
        if (channels > 2) {
            to[1] = (int8_t)(two >> 16);
        }
    }
}
