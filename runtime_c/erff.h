/* The error function to 2 units in the last place: an odd polynomial near 0, else 1 - e^q(|x|) with a polynomial q
 * for the logarithm of erfc (both fitted by Remez's exchange). */
static inline TINYC_HOT_ATTR float tinyc_erff(float x)
{
    const float a = x < 0.0f ? -x : x;

    if (a < 0.925f) {
        const float z = x * x;
        float p = -5.95374557e-4f;

        p = p * z + 4.98594157e-3f;
        p = p * z - 2.67617200e-2f;
        p = p * z + 1.12816826e-1f;
        p = p * z - 3.76124799e-1f;
        p = p * z + 1.28379151e-1f;
        return p * x + x;
    }

    const float t = a < 4.0f ? a : 4.0f; /* erf is 1 from there on */
    float q = 2.13530540e-4f;

    q = q * t - 3.21129872e-3f;
    q = q * t + 2.28785519e-2f;
    q = q * t - 1.05244569e-1f;
    q = q * t - 6.35730982e-1f;
    q = q * t - 1.12851071f;

    const float y = 1.0f - tinyc_expf(q * t);

    return x != x ? x : x < 0.0f ? -y : y;
}
