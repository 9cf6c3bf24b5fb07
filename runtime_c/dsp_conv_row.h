/* `count` pixels of an output row, in column x and behind. `rows` are the input's rows under the kernel, NULL for one
 * of padding; what they point to is column `origin`, and `stored` columns are there. `work` takes the taps of three
 * pixels as 16 bits, and those of a row behind them. */
static TINYC_LAYER_ATTR TINYC_HOT_ATTR void tinyc_dsp_conv_row(
    const struct tinyc_dsp_conv *conv, const int8_t *const *rows, int32_t origin, int32_t stored, int32_t x,
    int32_t count, int8_t *out, uint32_t *work)
{
    const int32_t words = conv->rows * conv->run / 2;
    const uint32_t unrolled = (0u - (uint32_t)words / 2u) & 3u;
    const int32_t step = conv->stride * conv->depth, last = stored * conv->depth - conv->run;
    struct tinyc_dsp_tile tile = { conv->offset, out, conv->channels, 2 * conv->channels, work, work, out, 0 };

    while (count > 0) {
        const int32_t lanes = count == 4 || count < 3 ? 2 : 3, used = count == 1 ? 1 : lanes;
        const int32_t first = x * conv->stride - conv->pad, far = first + (used - 1) * conv->stride;
        const int inside = first >= 0 && far + conv->columns <= conv->width && (far - origin) * conv->depth <= last;
        uint32_t *next = work;

        for (int32_t ky = 0; ky < conv->rows; ++ky) {
            if (inside && rows[ky] != NULL) {
                const int8_t *taps = rows[ky] + (first - origin) * conv->depth;

                next = tinyc_dsp_widen(next, taps, used == 1 ? 0 : step, conv->run, lanes);
                continue;
            }
            for (int32_t lane = 0; lane < used; ++lane) {
                int8_t *taps = (int8_t *)(work + 3 * words);

                tinyc_dsp_edge(conv, rows[ky], first + lane * conv->stride, origin, taps);
                tinyc_dsp_spread(next + lane, taps, conv->run, lanes);
            }
            next += conv->run / 2 * lanes;
        }
        tile.out = out;
        tile.out_end = out + conv->channels;
        tile.end = next;
        if (lanes == 3) {
            tile.skip = unrolled * 68u + 1u;
            tinyc_dsp_three(&tile, conv->weights);
        } else {
            tile.skip = unrolled * 48u + 1u;
            tile.step1 = used == 1 ? 0 : conv->channels;
            tinyc_dsp_two(&tile, conv->weights);
            tile.step1 = conv->channels;
        }
        x += used;
        count -= used;
        out += used * conv->channels;
    }
}
