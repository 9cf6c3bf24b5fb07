/* `count` elements of 2 bits, from the beginning of a byte, as bytes. */
static TINYC_LAYER_ATTR TINYC_HOT_ATTR void tinyc_widen2(int8_t *to, const uint8_t *from, int32_t count)
{
    for (; count > 3; count -= 4) {
        const uint32_t four = *from++;

        *to++ = (int8_t)tinyc_int2(four, 0);
        *to++ = (int8_t)tinyc_int2(four, 1);
        *to++ = (int8_t)tinyc_int2(four, 2);
        *to++ = (int8_t)tinyc_int2(four, 3);
    }
    for (uint32_t lane = 0; (int32_t)lane < count; ++lane) {
        *to++ = (int8_t)tinyc_int2(*from, lane);
    }
}
