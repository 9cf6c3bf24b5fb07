/* What the micro-kernels for depthwise convolutions compute, in C: the weights of one word of a column, the first of
 * `two` in its lower half (of 8 bits a word of them is for two words of a column, of 4 bits for four and of 2 bits for
 * six, stored plus 8 or 2), */
static inline TINYC_HOT_ATTR void tinyc_dsp_portable_two(const uint32_t *w, int32_t bits, int32_t number, int32_t *two)
{
    const int32_t per_word = bits == 8 ? 2 : bits == 4 ? 4 : 6;
    const uint32_t word = w[number / per_word] >> (number % per_word * bits);

    for (int32_t half = 0; half < 2; ++half) {
        const int32_t value = (int32_t)(word >> (16 * half) & ((1u << bits) - 1u));

        two[half] = bits == 8 ? (int8_t)value : value - (1 << (bits - 1));
    }
}

/* and all of it, with weights of so many bits. */
static inline TINYC_HOT_ATTR void tinyc_dsp_portable_filters(const struct tinyc_dsp_filters *f, int32_t bits)
{
    static const uint8_t channel[4] = { 0, 2, 1, 3 }, word[4] = { 0, 1, 3, 4 };
    const int32_t count = f->pairs + (int32_t)f->odd * f->pitch, channels = f->rest + 4;
    const int32_t words = bits == 8 ? 5 : bits == 4 ? 4 : 3;
    const uint32_t *w = f->weights;

    for (int32_t first = 0; first < channels; first += 4) {
        const int32_t quad = first + 4 > channels ? channels - 4 : first;
        uint32_t *to = f->made;

        for (int32_t at = f->way; at < 0; at += f->pitch, to += 6) {
            tinyc_dsp_portable_column(to, f->top + quad + at, f->middle + quad + at, f->bottom + quad + at);
        }
        for (int32_t c = 0; c < 4; ++c, w += words) {
            const uint32_t *column = f->columns + word[c];
            const uint32_t dropped[2] = { c % 2 ? f->dropped_bottoms : f->dropped_tops,
                                          c % 2 ? f->dropped_tops : f->dropped_bottoms };

            for (int32_t at = 0; at < count; at += f->pitch, column += 6 * f->stride) {
                uint32_t sum = w[0];

                for (int32_t number = 0; number < 6; ++number) {
                    const uint32_t mask = dropped[number % 2];
                    const uint32_t x = (column[number / 2 * 6 + number % 2] & ~mask) | (f->zeros & mask);
                    int32_t two[2];

                    tinyc_dsp_portable_two(w + 2, bits, number, two);
                    sum += (uint32_t)((int16_t)x * two[0] + (int16_t)(x >> 16) * two[1]);
                }
                f->out[at + quad + channel[c]] = (int8_t)tinyc_clamp(
                    tinyc_requantize((int32_t)sum, (int32_t)w[1], f->offset, 1), -128, 127);
            }
        }
    }
}
