/* Currents of 16 bits of `inputs` inputs, a multiple of sixteen, which have a byte each. */
static TINYC_ROUTINE_ATTR void tinyc_mve_masked16(
    const uint32_t *weights, const uint8_t *masks, int32_t inputs, int16_t *out, int32_t outputs)
{
    for (; outputs > 0; outputs -= 4, weights += 4 + inputs) {
        int32_t currents[4];

        tinyc_mve_masked(weights, masks, inputs, currents);
        for (int32_t i = 0; i < 4 && i < outputs; ++i) {
            *out++ = (int16_t)currents[i];
        }
    }
}
