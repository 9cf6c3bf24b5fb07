/* `count` pixels of an output row, in column x and behind. `rows` are the input's rows under the kernel, NULL for one
 * of padding; what they point to is column `origin`. `work` takes the taps of three pixels as 16 bits, and behind them
 * what does not come in fours. */
static TINYC_ROUTINE_ATTR void tinyc_dsp_conv_row(
    const struct tinyc_dsp_conv *conv, const int8_t *const *rows, int32_t origin, int32_t x, int32_t count, int8_t *out,
    uint32_t *work)
{
    const int32_t fours = conv->rows * conv->fours, words = (fours + conv->filled) / 2 * conv->inputs.many;
    const uint32_t more = (uint32_t)words / conv->turn - 1u, unrolled = more == 0u ? 4u : (0u - more) & 3u;
    const int32_t channels = conv->channels, even = channels & ~1, step = conv->stride * conv->depth;
    int32_t threes = conv->three == NULL ? 0 : count / 3 - (count % 3 == 1 && count > 3); /* else two and two */
    int32_t first = x * conv->stride - conv->pad, last = conv->width - 2 * conv->stride - conv->columns;
    int32_t way[3] = { (first - origin) * conv->depth, step, conv->fours };
    struct tinyc_dsp_tile tile = {
        out, conv->offset, out, channels, 2 * channels, work, work + words * 3, unrolled * conv->three_bytes + 1u,
        { 0, 0, 0 }
    };

    for (int32_t ky = 0; ky < conv->rows; ++ky) {
        last = rows[ky] == NULL ? -1 : last; /* in no place all taps are inside */
    }
    count -= 3 * threes;
    for (; threes > 0; --threes) {
        if (conv->inputs.spread == NULL && first >= 0 && first <= last) {
            tinyc_dsp_gather(work, rows, rows + conv->rows, way);
            if (conv->rest > 0) {
                tinyc_dsp_rests(conv, rows, way[0], step, work + 3 * fours / 2);
            }
        } else {
            tinyc_dsp_taps(conv, rows, first, origin, work, 3, 3);
        }
        if (conv->inputs.scale > 0) {
            tinyc_dsp_scaled(work, 3 * words, conv->inputs.scale);
        }
        if (conv->raised > 0) {
            tinyc_dsp_less(&tile, 3, conv->raised);
        }
        tile.out = out;
        tile.out_end = out + even;
        if (even > 0) {
            conv->three(&tile, conv->weights);
        }
        if (even < channels) {
            tinyc_dsp_last(conv, &tile, 3);
        }
        first += 3 * conv->stride;
        way[0] += 3 * step;
        out += 3 * channels;
    }
    tile.end = work + words * 2;
    tile.skip = unrolled * conv->two_bytes + 1u;
    last += last < 0 ? 0 : conv->stride;
    for (; count > 0; count -= 2, first += 2 * conv->stride, way[0] += 2 * step, out += 2 * channels) {
        const int32_t used = count == 1 ? 1 : 2;

        if (conv->inputs.spread == NULL && used == 2 && conv->rest == 0 && first >= 0 && first <= last) {
            tinyc_dsp_gather_two(work, rows, rows + conv->rows, way);
        } else {
            tinyc_dsp_taps(conv, rows, first, origin, work, 2, used);
        }
        if (conv->inputs.scale > 0) {
            tinyc_dsp_scaled(work, 2 * words, conv->inputs.scale);
        }
        if (conv->raised > 0) {
            tinyc_dsp_less(&tile, 2, conv->raised);
        }
        tile.step1 = used == 1 ? 0 : channels;
        tile.out = out;
        tile.out_end = out + even;
        if (even > 0) {
            conv->two(&tile, conv->weights);
        }
        if (even < channels) {
            tinyc_dsp_last(conv, &tile, used);
        }
    }
}
