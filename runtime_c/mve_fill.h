/* `count` bytes of one value. */
static inline TINYC_HOT_ATTR void tinyc_mve_fill(int8_t *to, int8_t value, int32_t count)
{
#if defined(tinyc_mve_assembly)
    __asm__ volatile(
        "vdup.8 q0, %2\n"
        "wlstp.8 lr, %1, 2f\n"
        "1:\n"
        "vstrb.8 q0, [%0], #16\n"
        "letp lr, 1b\n"
        "2:\n"
        : "+r"(to) : "r"(count), "r"(value) : "lr", "q0", "memory");
#else
    for (int32_t i = 0; i < count; ++i) {
        to[i] = value;
    }
#endif
}
