/* Averages under a window, for at least four channels. */
struct tinyc_dsp_average {
    struct tinyc_dsp_window window;
    int32_t zero;          /* the input's zero point */
    int32_t offset, shift; /* of the requantization */
};

/* One pixel of them, in column x; sums are multiplied by `factor` and requantized. `rows` are the input's rows under the window, NULL for one of padding; what they point
 * to is column `origin`. `sums` takes two bytes for each channel, rounded up to four. */
static TINYC_LAYER_ATTR TINYC_HOT_ATTR void tinyc_dsp_average(
    const struct tinyc_dsp_average *average, const int8_t *const *rows, int32_t origin, int32_t x, int32_t factor,
    int32_t multiplier, int8_t *out, uint32_t *sums)
{
    static const uint8_t place[4] = { 0, 2, 1, 3 };
    const struct tinyc_dsp_window *window = &average->window;
    const int32_t first = x * window->stride - window->pad, channels = window->channels;
    const int32_t begin = tinyc_dsp_window_begin(window, first), end = tinyc_dsp_window_end(window, first, begin);
    const int32_t step = window->dilation * channels, way[2] = { (begin - end) * step, step };
    const int16_t *halves = (const int16_t *)sums;
    int32_t taken = 0;

    for (int32_t i = 0; i < (channels + 3) / 4 * 2; ++i) {
        sums[i] = 0;
    }
    for (int32_t ky = 0; ky < window->rows && begin < end; ++ky) {
        if (rows[ky] != NULL) {
            tinyc_dsp_add_pixels(sums, rows[ky] + (first - origin) * channels + end * step, way, channels - 4);
            taken += end - begin;
        }
    }
    for (int32_t done = 0; done < channels; done += 4, halves += 4) {
        const int32_t c = done + 4 > channels ? channels - 4 : done;

        for (int32_t i = 0; i < 4; ++i) {
            const int32_t sum = (halves[place[i]] - taken * average->zero) * factor;

            out[c + i] = (int8_t)tinyc_clamp(
                tinyc_requantize(sum, multiplier, average->offset, average->shift), -128, 127);
        }
    }
}
