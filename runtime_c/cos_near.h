/* cos r for |r| <= pi / 4 (polynomial fitted by Remez's exchange). */
static inline TINYC_HOT_ATTR float tinyc_cos_near(float r)
{
    const float z = r * r;

    return ((2.44384519e-5f * z - 1.38873677e-3f) * z + 4.16666456e-2f) * (z * z) - 0.5f * z + 1.0f;
}
