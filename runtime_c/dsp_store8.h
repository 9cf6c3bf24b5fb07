/* Puts `channels` of each of four bytes, of `count` pixels, to where these are `step` bytes apart. */
static TINYC_LAYER_ATTR TINYC_HOT_ATTR void tinyc_dsp_store8(
    int8_t *to, int32_t step, const int8_t *from, int32_t count, int32_t channels)
{
    for (; count > 0; --count, to += step, from += 4) {
        if (channels == 4) {
            memcpy(to, from, 4);
        } else {
            for (int32_t c = 0; c < channels; ++c) {
                to[c] = from[c];
            }
        }
    }
}
