/* `count` pixels of an output row, in column x and behind. `rows` are the input's rows under the kernel, NULL for one
 * of padding; what they point to is column `origin`. `work` takes the taps of three pixels as 16 bits, and behind them
 * what does not come in fours. */
static TINYC_LAYER_ATTR TINYC_HOT_ATTR void tinyc_dsp_conv_row(
    const struct tinyc_dsp_conv *conv, const int8_t *const *rows, int32_t origin, int32_t x, int32_t count, int8_t *out,
    uint32_t *work)
{
    const int32_t fours = conv->rows * conv->fours, words = (fours + ((conv->rows * conv->rest + 3) & ~3)) / 2;
    const uint32_t unrolled = (0u - (uint32_t)words / 2u) & 3u;
    const int32_t step = conv->stride * conv->depth, channels = conv->channels;
    struct tinyc_dsp_tile tile = { conv->offset, out, channels, 2 * channels, work, work, out, 0 };
    int32_t first = x * conv->stride - conv->pad, last = conv->width - 2 * conv->stride - conv->columns;

    for (int32_t ky = 0; ky < conv->rows; ++ky) {
        last = rows[ky] == NULL ? first - 1 : last; /* in no place all taps are inside */
    }
    while (count > 0) {
        const int32_t lanes = count == 4 || count < 3 ? 2 : 3, used = count == 1 ? 1 : lanes;

        if (lanes == 3 && first >= 0 && first <= last) {
            const int32_t at = (first - origin) * conv->depth;

            tinyc_dsp_gather(work, rows, conv->rows, at, step, conv->fours);
            if (conv->rest > 0) {
                tinyc_dsp_rests(conv, rows, at, step, work + 3 * fours / 2);
            }
        } else {
            tinyc_dsp_taps(conv, rows, first, origin, work, lanes, used);
        }
        tile.out = out;
        tile.out_end = out + channels;
        tile.end = work + words * lanes;
        tile.step1 = used == 1 ? 0 : channels;
        if (lanes == 3) {
            tile.skip = unrolled * 68u + 1u;
            tinyc_dsp_three(&tile, conv->weights);
        } else {
            tile.skip = unrolled * 48u + 1u;
            tinyc_dsp_two(&tile, conv->weights);
        }
        first += used * conv->stride;
        count -= used;
        out += used * channels;
    }
}
