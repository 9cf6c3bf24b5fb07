/* The inputs of one pixel and one group, those of all taps one behind the other. `first` is the first tap's column;
 * what `rows` point to is the group's first channel in column `origin`. */
static inline TINYC_HOT_ATTR void tinyc_dsp_scattered_taps(
    const struct tinyc_dsp_scattered *s, const int8_t *const *rows, int32_t channel, int32_t first, int32_t origin,
    int8_t *to)
{
    const struct tinyc_dsp_window *window = &s->window;
    const int32_t begin = tinyc_dsp_window_begin(window, first), end = tinyc_dsp_window_end(window, first, begin);

    for (int32_t ky = 0; ky < window->rows; ++ky) {
        for (int32_t kx = 0; kx < window->columns; ++kx, to += s->conv.depth) {
            if (rows[ky] != NULL && kx >= begin && kx < end) {
                const int32_t column = first + kx * window->dilation - origin;
                const int8_t *from = rows[ky] + column * window->channels + channel;
                int32_t i = 0;

                for (; i + 4 <= s->conv.depth; i += 4) {
                    memcpy(to + i, from + i, 4);
                }
                for (; i < s->conv.depth; ++i) {
                    to[i] = from[i];
                }
            } else {
                memset(to, s->conv.zero, (size_t)s->conv.depth);
            }
        }
    }
}

/* `count` pixels of an output row, in column x and behind. `rows` are the input's rows under the kernel, NULL for one
 * of padding; what they point to is column `origin`. `work` takes the taps of three pixels as 16 bits, and behind them
 * those of one as bytes. */
static TINYC_ROUTINE_ATTR void tinyc_dsp_scattered_row(
    const struct tinyc_dsp_scattered *s, const int8_t *const *rows, int32_t origin, int32_t x, int32_t count,
    int8_t *out, uint32_t *work)
{
    const struct tinyc_dsp_window *window = &s->window;
    const int32_t filled = s->conv.filled, words = filled / 2 * s->conv.inputs.many;
    const int32_t channels = s->conv.channels, even = channels & ~1, pitch = channels * s->groups;
    const uint32_t more = (uint32_t)words / s->conv.turn - 1u, unrolled = more == 0u ? 4u : (0u - more) & 3u;
    int8_t *bytes = (int8_t *)(work + 3 * words);

    memset(bytes, 0, (size_t)filled); /* what is behind the taps weighs nothing */
    while (count > 0) {
        const int32_t lanes = s->conv.three != NULL && count > 2 && count != 4 ? 3 : 2;
        const int32_t used = count < lanes ? count : lanes;
        struct tinyc_dsp_conv conv = s->conv;
        struct tinyc_dsp_tile tile = {
            out, conv.offset, out, used > 1 ? pitch : 0, used > 2 ? 2 * pitch : 0, work, work + lanes * words,
            unrolled * (lanes == 3 ? conv.three_bytes : conv.two_bytes) + 1u, { 0, 0, 0 }
        };

        for (int32_t g = 0; g < s->groups; ++g, conv.weights += s->words) {
            for (int32_t lane = 0; lane < used; ++lane) {
                const int32_t first = (x + lane) * window->stride - window->pad;

                tinyc_dsp_scattered_taps(s, rows, g * conv.depth, first, origin, bytes);
                tinyc_dsp_widened(&conv.inputs, work + lane, bytes, filled, lanes);
            }
            if (conv.inputs.scale > 0) {
                tinyc_dsp_scaled(work, lanes * words, conv.inputs.scale);
            }
            if (conv.raised > 0) {
                tinyc_dsp_less(&tile, lanes, conv.raised);
            }
            tile.out = out + g * channels;
            tile.out_end = tile.out + even;
            if (even > 0) {
                (lanes == 3 ? conv.three : conv.two)(&tile, conv.weights);
            }
            if (even < channels) {
                tinyc_dsp_last(&conv, &tile, used);
            }
        }
        x += used;
        count -= used;
        out += used * pitch;
    }
}
