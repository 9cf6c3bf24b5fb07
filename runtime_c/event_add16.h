/* out = from + the rows of weights whose numbers are in the list; there are `inputs` rows of them. */
static TINYC_LAYER_ATTR TINYC_HOT_ATTR void tinyc_event_add16(
    const uint32_t *weights, int32_t inputs, const uint16_t *list, int32_t count, const int16_t *from, int16_t *out,
    int32_t outputs)
{
    do {
        const int32_t now = count < 255 ? count : 255, raised = 128 * now;
        const uint32_t *block = weights;

        for (int32_t o = 0; o < outputs; o += 8) {
            const int32_t left = outputs - o, words = left > 4 ? 2 : 1;
            uint32_t halves[4];

            tinyc_event_rows(block, words, list, now, 0x00ff00ffu, halves);
            for (int32_t i = 0; i < 8 && i < left; i += 2) {
                const uint32_t pair = halves[i / 2];

                out[o + i] = (int16_t)(from[o + i] + (int32_t)(pair & 0xffffu) - raised);
                if (i + 1 < left) {
                    out[o + i + 1] = (int16_t)(from[o + i + 1] + (int32_t)(pair >> 16) - raised);
                }
            }
            block += words * inputs;
        }
        from = out;
        list += now;
        count -= now;
    } while (count > 0);
}
