/* Averages of packed elements under a window, for at least four bytes of them. */
struct tinyc_dsp_packed {
    struct tinyc_dsp_average average; /* its zero point is what packed elements are raised to */
    void (*add)(uint32_t *, const int8_t *, const int32_t *, int32_t);
    int32_t bits;
    int8_t low, high;                 /* bounds of the outputs, which are the upper bits of bytes */
};

/* One pixel of them, as dsp_average.h has it of bytes. `sums` takes two bytes for each element, of a multiple of four
 * bytes. */
static TINYC_ROUTINE_ATTR void tinyc_dsp_packed_average(
    const struct tinyc_dsp_packed *packed, const int8_t *const *rows, int32_t origin, int32_t x, int32_t factor,
    int32_t multiplier, uint8_t *out, uint32_t *sums)
{
    const struct tinyc_dsp_window *window = &packed->average.window;
    const int32_t first = x * window->stride - window->pad, pixel = window->channels, bits = packed->bits;
    const int32_t begin = tinyc_dsp_window_begin(window, first), end = tinyc_dsp_window_end(window, first, begin);
    const int32_t step = window->dilation * pixel, way[2] = { (begin - end) * step, step };
    int32_t taken = 0;

    memset(sums, 0, (size_t)(((pixel + 3) & ~3) * 16 / bits));
    for (int32_t ky = 0; ky < window->rows && begin < end; ++ky) {
        if (rows[ky] != NULL) {
            packed->add(sums, rows[ky] + (first - origin) * pixel + end * step, way, pixel - 4);
            taken += end - begin;
        }
    }
    for (int32_t done = 0, begun = -taken * packed->average.zero * factor; done < pixel; done += 4, sums += 16 / bits) {
        const int32_t four = done + 4 > pixel ? pixel - 4 : done;

        for (int32_t i = 0; i < 4; ++i) {
            uint32_t made = 0;

            for (int32_t shift = 0, word = i & 1; shift < 8; shift += bits, word += 2) {
                const int32_t sum = (int32_t)(sums[word] >> (i < 2 ? 0 : 16) & 0xffffu);
                const int32_t y = tinyc_requantize(sum * factor + begun, multiplier, packed->average.offset, 1);

                made |= (uint32_t)(uint8_t)tinyc_clamp(y, packed->low, packed->high) >> (8 - bits) << shift;
            }
            out[four + i] = (uint8_t)made;
        }
    }
}
