/* As tinyc_dsp_portable, for weights of 2 bits: four bits of a word are 4 (b + 2) + a + 2, where b belongs to the
 * second channel; a word is for eight inputs. */
static inline TINYC_HOT_ATTR void tinyc_dsp_portable_crumbs(
    const struct tinyc_dsp_tile *tile, const uint32_t *weights, int32_t lanes)
{
    const int32_t words = (int32_t)(tile->end - tile->pixels) / lanes;
    const int32_t channels = (int32_t)(tile->out_end - tile->out);

    for (int32_t c = 0; c < channels; c += 2, weights += words / 4 + 4) {
        for (int32_t lane = lanes - 1; lane >= 0; --lane) {
            int8_t *out = tile->out + c + (lane == 2 ? tile->step2 : lane == 1 ? tile->step1 : 0);
            const uint32_t less = (uint32_t)tile->less[lane];
            uint32_t sum = weights[0], both = weights[1];

            for (int32_t k = 0; k < words; ++k) {
                const uint32_t x = tile->pixels[k * lanes + lane];
                const uint32_t w = weights[k / 4 + 2] >> k % 4 * 4;

                sum += (uint32_t)((int16_t)x * (int32_t)(w & 3) + (int16_t)(x >> 16) * (int32_t)(w >> 16 & 3));
                both += (uint32_t)((int16_t)x * (int32_t)(w & 15) + (int16_t)(x >> 16) * (int32_t)(w >> 16 & 15));
            }
            const int32_t y = tinyc_requantize(
                (int32_t)(sum + less), (int32_t)weights[words / 4 + 2], tile->offset, 1);

            out[0] = (int8_t)tinyc_clamp(y, -128, 127);
            if (c + 1 < channels) {
                const int32_t second = (int32_t)(both - sum + 4 * less) >> 2;
                const int32_t z = tinyc_requantize(second, (int32_t)weights[words / 4 + 3], tile->offset, 1);

                out[1] = (int8_t)tinyc_clamp(z, -128, 127);
            }
        }
    }
}
