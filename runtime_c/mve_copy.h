/* `count` bytes, to where they do not overlap or to lower addresses. */
static inline TINYC_HOT_ATTR void tinyc_mve_copy(int8_t *to, const int8_t *from, int32_t count)
{
#if defined(tinyc_mve_assembly)
    __asm__ volatile(
        "wlstp.8 lr, %2, 2f\n"
        "1:\n"
        "vldrb.u8 q0, [%1], #16\n"
        "vstrb.8 q0, [%0], #16\n"
        "letp lr, 1b\n"
        "2:\n"
        : "+r"(to), "+r"(from) : "r"(count) : "lr", "q0", "memory");
#else
    for (int32_t i = 0; i < count; ++i) {
        to[i] = from[i];
    }
#endif
}
