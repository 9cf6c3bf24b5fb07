/* The exact remainder of a / b, with the sign of a, as C's fmodf: long division in binary. */
static inline TINYC_HOT_ATTR float tinyc_fmodf(float a, float b)
{
    const float divisor = b < 0.0f ? -b : b;
    float rest = a < 0.0f ? -a : a;

    if (!(divisor > 0.0f) || !(rest - rest == 0.0f)) {
        return (a - a) / (b - b); /* not a number */
    }
    while (rest >= divisor) {
        float part = divisor;

        while (part <= rest - part) {
            part += part;
        }
        rest -= part;
    }
    return a < 0.0f ? -rest : rest;
}
