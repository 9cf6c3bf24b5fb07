/* Classifies one image of a handwritten digit and prints what it is. */
#include "digits.h"
#include "image.h"
#include "semihosting.h"

static uint8_t arena[DIGITS_ARENA_BYTES] DIGITS_ARENA_ALIGNED;

int main(void)
{
    /* Input and output in their own places in the arena: nothing is copied. */
    int8_t *image = digits_in_image(arena);
    int8_t *scores = digits_out_logits(arena);
    char line[] = "class 0\n";
    digits_status status;
    unsigned best = 0;

    for (unsigned i = 0; i < DIGITS_IN_IMAGE_COUNT; ++i) {
        image[i] = digits_quantize_image((float)pixels[i] / 16.0f);
    }
    status = digits_run(arena, &(digits_inputs){ .image = image }, &(digits_outputs){ .logits = scores });
    if (status != DIGITS_OK) {
        semihosting_print(digits_status_text(status));
        return 1;
    }

    for (unsigned i = 1; i < DIGITS_OUT_LOGITS_COUNT; ++i) {
        if (scores[i] > scores[best]) {
            best = i;
        }
    }
    line[6] = (char)('0' + best);
    semihosting_print(line);
    return 0;
}
