/* Elements between the bounds of an activation, which are narrower than a byte. */
static inline TINYC_HOT_ATTR void tinyc_mve_clamp(int8_t *values, int32_t count, int8_t low, int8_t high)
{
#if defined(tinyc_mve_assembly)
    __asm__ volatile(
        "vdup.8 q1, %2\n"
        "vdup.8 q2, %3\n"
        "wlstp.8 lr, %1, 2f\n"
        "1:\n"
        "vldrb.u8 q0, [%0]\n"
        "vmax.s8 q0, q0, q1\n"
        "vmin.s8 q0, q0, q2\n"
        "vstrb.8 q0, [%0], #16\n"
        "letp lr, 1b\n"
        "2:\n"
        : "+r"(values) : "r"(count), "r"(low), "r"(high) : "lr", "q0", "q1", "q2", "memory");
#else
    for (int32_t i = 0; i < count; ++i) {
        values[i] = (int8_t)tinyc_clamp(values[i], low, high);
    }
#endif
}
