/* out = bias + the rows of weights whose numbers are in the list, for blocks of sixteen outputs; there are `rows` rows.
 * Whatever sums of 16 bits are on the way, the last ones fit. */
static TINYC_ROUTINE_ATTR void tinyc_dsp_event_add16(
    const uint32_t *weights, int32_t rows, const uint16_t *list, const uint16_t *end, const uint32_t *bias,
    int16_t *out, int32_t blocks)
{
    const struct tinyc_dsp_events events = {
        list, end, (uint32_t)-(end - list) % 8u * 44u + 1u, out, bias, weights, 16 * rows, blocks
    };

    tinyc_dsp_event_halves(&events);
}
