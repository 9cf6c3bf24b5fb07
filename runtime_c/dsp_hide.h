/* Puts a query's scores of keys that do not count `far` below the largest of the others, which is returned: INT32_MIN
 * where there are none. */
static TINYC_ROUTINE_ATTR int32_t tinyc_dsp_hide(uint32_t *scores, const uint8_t *seen, int32_t count, int32_t far)
{
    int32_t top = INT32_MIN;

    for (int32_t j = 0; j < count; ++j) {
        if (seen[j]) {
            top = tinyc_max((int32_t)scores[3 * j], top);
        }
    }
    for (int32_t j = 0; j < count; ++j) {
        if (!seen[j]) {
            scores[3 * j] = (uint32_t)top - (uint32_t)far;
        }
    }
    return top;
}
