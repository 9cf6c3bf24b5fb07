/* tanh x to 2 units in the last place: x + x^3 times a polynomial in x^2 near 0, else 1 - 2 / (e^2|x| + 1). */
static inline TINYC_HOT_ATTR float tinyc_tanhf(float x)
{
    const float a = x < 0.0f ? -x : x;

    if (a < 0.625f) {
        const float z = x * x;
        float p = -5.70497802e-3f;

        p = p * z + 2.06390787e-2f;
        p = p * z - 5.37397116e-2f;
        p = p * z + 1.33314416e-1f;
        p = p * z - 3.33332807e-1f;
        return p * z * x + x;
    }

    const float t = 1.0f - 2.0f / (tinyc_expf(a + a) + 1.0f);

    return x < 0.0f ? -t : t;
}
