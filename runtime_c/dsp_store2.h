/* As dsp_store8.h, packs the upper 2 bits of the bytes. */
static TINYC_LAYER_ATTR TINYC_HOT_ATTR void tinyc_dsp_store2(
    int8_t *to, int32_t step, const int8_t *from, int32_t count, int32_t channels)
{
    const uint32_t kept = 0xC0C0C0C0u >> (32 - 8 * channels);

    for (; count > 0; --count, to += step, from += 4) {
        const uint32_t four = tinyc_word(from) & kept;

        *to = (int8_t)(four >> 6 | four >> 12 | four >> 18 | four >> 24);
    }
}
