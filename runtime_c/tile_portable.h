/* What tinyc_tile_four computes, in C. */
static inline TINYC_HOT_ATTR void tinyc_tile_portable(struct tinyc_tile *tile)
{
    for (int32_t step = 4;; tile->left -= step) {
        for (int32_t i = 0; i < 16; ++i) {
            const int32_t lane = i / 4, c = i % 4;
            const int8_t *w = (const int8_t *)tile->weights + c;
            int32_t sum = tile->parameters[c];

            for (const int8_t *const *span = tile->spans; span < tile->spans_end; span += 4) {
                for (int32_t k = 0; k < tile->length; ++k, w += 4) {
                    sum += span[lane][k] * *w;
                }
            }
            sum = tinyc_requantize(sum, tile->parameters[4 + c], tile->offset, 1);
            tile->out[lane][c] = (int8_t)tinyc_clamp(sum, tile->low, tile->high);
        }
        if (tile->left == 0) {
            return;
        }
        step = tile->left < 4 ? tile->left : 4;
        for (int32_t lane = 0; lane < 4; ++lane) {
            tile->out[lane] += step;
        }
        tile->weights += (tile->spans_end - tile->spans) / 4 * tile->length;
        tile->parameters += 8;
    }
}
