/* e^r - 1 for |r| <= ln 2 / 2 to 1 unit in the last place (polynomial of Cephes). */
static inline TINYC_HOT_ATTR float tinyc_expm1_near(float r)
{
    float p = 1.9875691500e-4f;

    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    return p * (r * r) + r;
}
