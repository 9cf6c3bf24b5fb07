/* What the micro-kernel for depthwise convolutions computes, in C: four channels of a column, */
static inline TINYC_HOT_ATTR void tinyc_dsp_portable_column(
    uint32_t *to, const int8_t *top, const int8_t *middle, const int8_t *bottom)
{
    for (int32_t c = 0; c < 2; ++c, to += 3) {
        to[0] = (uint16_t)top[c] | (uint32_t)(uint16_t)middle[c] << 16;
        to[1] = (uint16_t)bottom[c] | (uint32_t)(uint16_t)bottom[c + 2] << 16;
        to[2] = (uint16_t)top[c + 2] | (uint32_t)(uint16_t)middle[c + 2] << 16;
    }
}

/* and all of it. */
static inline TINYC_HOT_ATTR void tinyc_dsp_portable_filters(const struct tinyc_dsp_filters *f)
{
    static const uint8_t channel[4] = { 0, 2, 1, 3 }, word[4] = { 0, 1, 3, 4 };
    const int32_t count = f->pairs + (int32_t)f->odd * f->pitch, channels = f->rest + 4;
    const uint32_t *w = f->weights;

    for (int32_t first = 0; first < channels; first += 4) {
        const int32_t quad = first + 4 > channels ? channels - 4 : first;
        uint32_t *to = f->made;

        for (int32_t at = f->way; at < 0; at += f->pitch, to += 6) {
            tinyc_dsp_portable_column(to, f->top + quad + at, f->middle + quad + at, f->bottom + quad + at);
        }
        for (int32_t c = 0; c < 4; ++c, w += 5) {
            const uint32_t *column = f->columns + word[c];
            const uint32_t dropped[2] = { c % 2 ? f->dropped_bottoms : f->dropped_tops,
                                          c % 2 ? f->dropped_tops : f->dropped_bottoms };

            for (int32_t at = 0; at < count; at += f->pitch, column += 6 * f->stride) {
                uint32_t sum = w[0];

                for (int32_t kx = 0; kx < 3; ++kx) {
                    for (int32_t half = 0; half < 2; ++half) {
                        const uint32_t two = (column[6 * kx + half] & ~dropped[half]) | (f->zeros & dropped[half]);
                        const uint32_t v = w[kx + 2] >> (8 * half);

                        sum += (uint32_t)((int16_t)two * (int8_t)v + (int16_t)(two >> 16) * (int8_t)(v >> 16));
                    }
                }
                f->out[at + quad + channel[c]] = (int8_t)tinyc_clamp(
                    tinyc_requantize((int32_t)sum, (int32_t)w[1], f->offset, 1), -128, 127);
            }
        }
    }
}
