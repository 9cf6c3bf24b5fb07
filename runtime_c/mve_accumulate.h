/* A row of `columns` pixels added up, to the sums `before` where there are any; `total` may be the same. */
static TINYC_LAYER_ATTR TINYC_HOT_ATTR void tinyc_mve_accumulate(
    const int8_t *row, int32_t columns, int32_t channels, const int16_t *before, int16_t *total)
{
#if defined(tinyc_mve_assembly)
    for (int32_t c = 0; c < channels; c += 8) {
        const mve_pred16_t used = vctp16q((uint32_t)(channels - c));
        const int8_t *pixel = row + c;
        int16x8_t sum = before == NULL ? vdupq_n_s16(0) : vldrhq_z_s16(before + c, used);

        for (int32_t x = 0; x < columns; ++x, pixel += channels) {
            sum = vaddq_s16(sum, vldrbq_z_s16(pixel, used));
        }
        vstrhq_p_s16(total + c, sum, used);
    }
#else
    for (int32_t c = 0; c < channels; ++c) {
        int32_t sum = before == NULL ? 0 : before[c];

        for (int32_t x = 0; x < columns; ++x) {
            sum += row[x * channels + c];
        }
        total[c] = (int16_t)sum;
    }
#endif
}
