/* One pixel of a tile, four channels at a time. */
static TINYC_LAYER_ATTR TINYC_HOT_ATTR void tinyc_tile_one(const struct tinyc_tile *tile, int32_t lane)
{
    const int8_t *w = (const int8_t *)tile->weights;
    const int32_t *parameters = tile->parameters;
    int8_t *out = tile->out[lane];

    for (int32_t left = tile->left, step;; left -= step, out += step, parameters += 8) {
        int32_t sums[4] = { parameters[0], parameters[1], parameters[2], parameters[3] };

        for (const int8_t *const *span = tile->spans; span < tile->spans_end; span += 4, w += 4 * tile->length) {
            tinyc_tile_add(span[lane], w, tile->length, sums);
        }
        for (int32_t c = 0; c < 4; ++c) {
            const int32_t y = tinyc_requantize(sums[c], parameters[4 + c], tile->offset, 1);

            out[c] = (int8_t)tinyc_clamp(y, tile->low, tile->high);
        }
        if (left == 0) {
            return;
        }
        step = left < 4 ? left : 4;
    }
}
