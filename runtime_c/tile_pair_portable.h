/* What tinyc_tile_two computes, in C. Of the products of two taps the first pixel's sum is what the lower half holds,
 * as long as it fits there, which the weights prove. */
static inline TINYC_HOT_ATTR void tinyc_tile_pair_portable(struct tinyc_tile_pair *pair)
{
    for (int32_t step = 2;; pair->left -= step) {
        for (int32_t c = 0; c < 2; ++c) {
            const int8_t *w = (const int8_t *)pair->weights + 2 * c;
            int32_t sums[2] = { pair->parameters[c], pair->parameters[c] };

            for (const uint32_t *x = pair->words; x < pair->words_end; x += 2, w += 4) {
                const int32_t v = w[0], z = w[1];
                const uint32_t both = x[0] * (uint32_t)v + x[1] * (uint32_t)z;

                sums[0] += (int16_t)both;
                sums[1] += (int16_t)((both + 0x8000u) >> 16);
            }
            for (int32_t lane = 0; lane < 2; ++lane) {
                const int32_t y = tinyc_requantize(sums[lane], pair->parameters[2 + c], pair->offset, 1);

                pair->out[lane][c] = (int8_t)tinyc_clamp(y, pair->low, pair->high);
            }
        }
        if (pair->left == 0) {
            return;
        }
        step = pair->left < 2 ? pair->left : 2;
        pair->out[0] += step;
        pair->out[1] += step;
        pair->weights += (pair->words_end - pair->words) / 2;
        pair->parameters += 4;
    }
}
