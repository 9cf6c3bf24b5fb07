/* As tinyc_dsp_portable, for weights of 4 bits: a byte of a word is 16 b + a + 8, where b belongs to the second
 * channel; the bytes of a word are for four inputs. */
static inline TINYC_HOT_ATTR void tinyc_dsp_portable_nibbles(
    const struct tinyc_dsp_tile *tile, const uint32_t *weights, int32_t lanes)
{
    const int32_t words = (int32_t)(tile->end - tile->pixels) / lanes / 2;
    const int32_t channels = (int32_t)(tile->out_end - tile->out);

    for (int32_t c = 0; c < channels; c += 2, weights += words + 4) {
        for (int32_t lane = lanes - 1; lane >= 0; --lane) {
            int8_t *out = tile->out + c + (lane == 2 ? tile->step2 : lane == 1 ? tile->step1 : 0);
            uint32_t sum = weights[0], both = weights[1];

            for (int32_t k = 0; k < 4 * words; ++k) {
                const uint32_t x = tile->pixels[(k / 4 * 2 + k % 2) * lanes + lane];
                const int16_t in = (int16_t)(k % 4 < 2 ? x : x >> 16);
                const int8_t w = (int8_t)(weights[k / 4 + 2] >> k % 4 * 8);

                sum += (uint32_t)(in * (w & 15));
                both += (uint32_t)(in * w);
            }
            const int32_t first = (int32_t)(sum + (uint32_t)tile->less[lane]);
            const int32_t y = tinyc_requantize(first, (int32_t)weights[words + 2], tile->offset, 1);

            out[0] = (int8_t)tinyc_clamp(y, -128, 127);
            if (c + 1 < channels) {
                const int32_t second = (int32_t)(both - sum) >> 4;
                const int32_t z = tinyc_requantize(second, (int32_t)weights[words + 3], tile->offset, 1);

                out[1] = (int8_t)tinyc_clamp(z, -128, 127);
            }
        }
    }
}
