/* Four channels of a column, as struct tinyc_dsp_filters has them. */
static inline TINYC_HOT_ATTR void tinyc_dsp_portable_column(
    uint32_t *to, const int8_t *top, const int8_t *middle, const int8_t *bottom)
{
    for (int32_t c = 0; c < 2; ++c, to += 3) {
        to[0] = (uint16_t)top[c] | (uint32_t)(uint16_t)middle[c] << 16;
        to[1] = (uint16_t)bottom[c] | (uint32_t)(uint16_t)bottom[c + 2] << 16;
        to[2] = (uint16_t)top[c + 2] | (uint32_t)(uint16_t)middle[c + 2] << 16;
    }
}
