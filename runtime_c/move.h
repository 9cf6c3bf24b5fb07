/* `count` bytes, which may overlap. */
static inline TINYC_HOT_ATTR void tinyc_move(void *to, const void *from, size_t count)
{
#if defined(tinyc_mve_assembly)
    if ((uintptr_t)to < (uintptr_t)from) { /* each vector is read before any later one is overwritten */
        tinyc_mve_copy(to, from, (int32_t)count);
        return;
    }
#endif
    memmove(to, from, count);
}
