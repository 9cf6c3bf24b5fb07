/* arctan x to 3 units in the last place: a polynomial in r^2 for |r| up to tan (pi / 8), to which r = -1 / |x| and
 * r = (|x| - 1) / (|x| + 1) bring the rest (Cephes). */
static inline TINYC_HOT_ATTR float tinyc_atanf(float x)
{
    const float a = x < 0.0f ? -x : x;
    float r = a;
    float offset = 0.0f;

    if (a > 2.41421356f) {
        r = -1.0f / a;
        offset = 1.57079633f;
    } else if (a > 0.414213562f) {
        r = (a - 1.0f) / (a + 1.0f);
        offset = 0.785398163f;
    }

    const float z = r * r;
    float p = 8.05374449538e-2f;

    p = p * z - 1.38776856032e-1f;
    p = p * z + 1.99777106478e-1f;
    p = p * z - 3.33329491539e-1f;

    const float y = p * z * r + r + offset;

    return x < 0.0f ? -y : y;
}
