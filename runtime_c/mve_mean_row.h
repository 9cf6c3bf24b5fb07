/* `count` pixels of an output row, in column x and behind. `rows` are the input's rows under the kernel; what they
 * point to is column `origin`. The last four channels may be some that were made already. */
static TINYC_ROUTINE_ATTR void tinyc_mve_mean_row(
    const struct tinyc_mve_mean *mean, const int8_t *const *rows, int32_t origin, int32_t x, int32_t count, int8_t *out)
{
    const int32_t channels = mean->channels, apart = mean->dilation * channels;

    for (; count > 0; --count, ++x, out += channels) {
        const int32_t pixel = (x * mean->stride - origin) * channels;

        for (int32_t c = 0; c < channels; c += 4) {
            const int32_t at = c > channels - 4 ? channels - 4 : c;
#if defined(tinyc_mve_assembly)
            int32x4_t sum = vdupq_n_s32(mean->start);

            for (int32_t ky = 0; ky < mean->rows; ++ky) {
                const int8_t *tap = rows[ky] + pixel + at;

                for (int32_t kx = 0; kx < mean->columns; ++kx, tap += apart) {
                    sum = vaddq_s32(sum, vldrbq_s32(tap));
                }
            }
            sum = vaddq_n_s32(vmulhq_s32(vshlq_r_s32(sum, mean->before), vdupq_n_s32(mean->multiplier)), mean->offset);
            sum = vmaxq_s32(vshlq_r_s32(sum, -mean->shift), vdupq_n_s32(-128));
            vstrbq_s32(out + at, vminq_s32(sum, vdupq_n_s32(127)));
#else
            for (int32_t lane = at; lane < at + 4; ++lane) {
                int32_t sum = mean->start;

                for (int32_t ky = 0; ky < mean->rows; ++ky) {
                    for (int32_t kx = 0; kx < mean->columns; ++kx) {
                        sum += rows[ky][pixel + kx * apart + lane];
                    }
                }
                out[lane] = (int8_t)tinyc_clamp(
                    tinyc_requantize(sum * (1 << mean->before), mean->multiplier, mean->offset, mean->shift),
                    -128, 127);
            }
#endif
        }
    }
}
