/* The tile for `used` pixels that lie side by side from `out` on; `spans` are still to be filled. */
static inline TINYC_HOT_ATTR struct tinyc_tile tinyc_tile_at(
    const struct tinyc_tile_conv *conv, const int8_t *const *spans, int32_t length, int8_t *out, int32_t used)
{
    int8_t *second = out + (used > 1 ? conv->channels : 0), *third = second + (used > 2 ? conv->channels : 0);
    int8_t *last = third + (used > 3 ? conv->channels : 0);
    const struct tinyc_tile tile = {
        spans, spans + 4, length, conv->weights, conv->parameters, conv->offset, conv->low, conv->high,
        { out, second, third, last }, conv->channels - 4
    };

    return tile;
}
