/* The sum of `count` bytes. */
static TINYC_LAYER_ATTR TINYC_HOT_ATTR int32_t tinyc_packed_total(const int8_t *x, int32_t count)
{
    int32_t sum = 0;

    for (const int8_t *end = x + count; x < end; ++x) {
        sum += *x;
    }
    return sum;
}
