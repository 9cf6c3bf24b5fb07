/* The last channel of one to three pixels, where their number is odd. */
static TINYC_ROUTINE_ATTR void tinyc_dsp_last(
    const struct tinyc_dsp_conv *conv, const struct tinyc_dsp_tile *pixels, int32_t used)
{
    const uint32_t *weights = conv->weights + conv->channels / 2 * conv->pair;
    struct tinyc_dsp_tile last = *pixels;
    int8_t pairs[6]; /* two channels of each pixel, of which the second does not exist */

    last.out = pairs;
    last.out_end = pairs + 2;
    last.step1 = 2;
    last.step2 = 4;
    if (used == 3) {
        conv->three(&last, weights);
    } else {
        conv->two(&last, weights);
    }
    for (int32_t i = 0; i < used; ++i) {
        pixels->out_end[i * pixels->step1] = pairs[2 * i];
    }
}
