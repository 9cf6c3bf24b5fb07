/* Where the taps of an output pixel begin in one row of the input, NULL for a row of padding; column `origin` is the
 * first one stored. */
static inline TINYC_HOT_ATTR const int8_t *tinyc_tile_span(
    const struct tinyc_tile_conv *conv, const int8_t *row, int32_t column, int32_t origin)
{
    const int inside = row != NULL && column >= 0 && column < conv->width;

    return inside ? row + (column - origin) * conv->depth : conv->padding;
}
