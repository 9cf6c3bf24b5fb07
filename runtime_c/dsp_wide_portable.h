/* What the micro-kernels for inputs of 16 bits compute, with `channels` at a time. Sums wrap around on the way: what
 * the zero point adds to them the bias takes off again. */
static inline TINYC_HOT_ATTR void tinyc_dsp_wide_portable(
    struct tinyc_dsp_wide *tile, const uint32_t *weights, int32_t pixels, int32_t channels)
{
    const int32_t steps[3] = { 0, tile->step1 / 2, tile->step2 / 2 };

    for (; tile->out != tile->out_end; tile->out += channels) {
        uint32_t sums[4][3];

        for (int32_t c = 0; c < channels; ++c) {
            sums[c][0] = sums[c][1] = sums[c][2] = weights[c];
        }
        weights += channels;
        for (const int16_t *taps = tile->taps; taps != tile->end; taps += 4 * pixels, weights += channels) {
            for (int32_t i = 0; i < 4; ++i) {
                for (int32_t c = 0; c < channels; ++c) {
                    const int32_t w = (int8_t)(weights[c] >> (i % 2 * 16 + i / 2 * 8));

                    for (int32_t p = 0; p < pixels; ++p) {
                        sums[c][p] += (uint32_t)(taps[(i / 2 * pixels + p) * 2 + i % 2] * w);
                    }
                }
            }
        }
        for (int32_t c = 0; c < channels; ++c) {
            for (int32_t p = 0; p < pixels; ++p) {
                const int32_t y =
                    tinyc_requantize((int32_t)sums[c][p], (int32_t)weights[c], tile->offset, (int)tile->shift);

                tile->out[steps[p] + c] = (int16_t)tinyc_clamp(y, -32768, 32767);
            }
        }
        weights += channels;
    }
}
