/* Averages under a window, for at least four channels. */
struct tinyc_dsp_average {
    struct tinyc_dsp_window window;
    int32_t zero;   /* the input's zero point */
    int32_t offset; /* of the requantization, whose shift is 1 */
};

/* One pixel of them, in column x; sums are multiplied by `factor`, of 16 bits, and requantized. `rows` are the input's
 * rows under the window, NULL for one of padding; what they point to is column `origin`. `sums` takes two bytes for
 * each channel, rounded up to four. */
static TINYC_ROUTINE_ATTR void tinyc_dsp_average(
    const struct tinyc_dsp_average *average, const int8_t *const *rows, int32_t origin, int32_t x, int32_t factor,
    int32_t multiplier, int8_t *out, uint32_t *sums)
{
    const struct tinyc_dsp_window *window = &average->window;
    const int32_t first = x * window->stride - window->pad, channels = window->channels;
    const int32_t begin = tinyc_dsp_window_begin(window, first), end = tinyc_dsp_window_end(window, first, begin);
    const int32_t step = window->dilation * channels, way[2] = { (begin - end) * step, step };
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
    for (int32_t done = 0, begun = -taken * average->zero * factor; done < channels; done += 4, sums += 2) {
        int8_t *four = out + (done + 4 > channels ? channels - 4 : done);
#if defined(tinyc_dsp_assembly)
        uint32_t a, b, c, d;

        __asm__ volatile(
                "ldrd %0, %1, [%4]\n"
                "smlatb %2, %0, %5, %6\n"
                "smlatb %3, %1, %5, %6\n"
                "smlabb %0, %0, %5, %6\n"
                "smlabb %1, %1, %5, %6\n"
                "smmla %0, %0, %7, %8\n"
                "smmla %1, %1, %7, %8\n"
                "smmla %2, %2, %7, %8\n"
                "smmla %3, %3, %7, %8\n"
                "ssat %0, #8, %0, asr #1\n"
                "ssat %1, #8, %1, asr #1\n"
                "ssat %2, #8, %2, asr #1\n"
                "ssat %3, #8, %3, asr #1\n"
                "bfi %0, %1, #8, #8\n"
                "bfi %0, %2, #16, #8\n"
                "bfi %0, %3, #24, #8\n"
                "str %0, [%9]\n"
                : "=&r"(a), "=&r"(b), "=&r"(c), "=&r"(d)
                : "r"(sums), "r"(factor), "r"(begun), "r"(multiplier), "r"(average->offset), "r"(four) : "memory");
#else
        for (int32_t i = 0; i < 4; ++i) {
            const int32_t sum = (int16_t)(sums[i % 2] >> (i < 2 ? 0 : 16)) * factor + begun;

            four[i] = (int8_t)tinyc_clamp(tinyc_requantize(sum, multiplier, average->offset, 1), -128, 127);
        }
#endif
    }
}
