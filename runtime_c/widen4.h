/* `count` elements of 4 bits, from the beginning of a byte, as bytes. */
static TINYC_LAYER_ATTR TINYC_HOT_ATTR void tinyc_widen4(int8_t *to, const uint8_t *from, int32_t count)
{
    for (; count > 1; count -= 2) {
        const uint32_t two = *from++;

        *to++ = (int8_t)tinyc_int4(two, 0);
        *to++ = (int8_t)tinyc_int4(two, 1);
    }
    if (count > 0) {
        *to = (int8_t)tinyc_int4(*from, 0);
    }
}
