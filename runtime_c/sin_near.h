/* sin r for |r| <= pi / 4 (polynomial fitted by Remez's exchange). */
static inline TINYC_HOT_ATTR float tinyc_sin_near(float r)
{
    const float z = r * r;

    return ((-1.95172979e-4f * z + 8.33217800e-3f) * z - 1.66666552e-1f) * z * r + r;
}
