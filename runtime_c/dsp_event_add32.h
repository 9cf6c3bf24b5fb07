/* out = bias + the rows of weights whose numbers are in the list, for blocks of sixteen outputs; there are `rows` rows.
 * Sums of 255 rows have 16 bits. */
static TINYC_ROUTINE_ATTR void tinyc_dsp_event_add32(
    const uint32_t *weights, int32_t rows, const uint16_t *list, const uint16_t *end, const int32_t *bias,
    int32_t *out, int32_t blocks)
{
    do {
        const int32_t left = (int32_t)(end - list), now = left < 255 ? left : 255;
        const struct tinyc_dsp_events events = {
            list, list + now, (uint32_t)-now % 8u * 44u + 1u, out, bias, weights, 16 * rows, blocks
        };

        tinyc_dsp_event_words(&events);
        bias = out;
        list += now;
    } while (list < end);
}
