/* Makes the columns of four channels for dsp_three_by_three.h by themselves, times 2^scale; there are some. */
static TINYC_LAYER_ATTR TINYC_HOT_ATTR void tinyc_dsp_columns8(const struct tinyc_dsp_filters *f, uint32_t scale)
{
#if defined(tinyc_dsp_assembly)
    register uint32_t *r0 __asm__("r0") = f->made;
    register const int8_t *r1 __asm__("r1") = f->top;
    register const int8_t *r2 __asm__("r2") = f->middle;
    register const int8_t *r3 __asm__("r3") = f->bottom;
    register int32_t r12 __asm__("r12") = f->way;
    register int32_t pitch __asm__("lr") = f->pitch;

    __asm__ volatile(
        "push {r4-r11}\n"
        "1:\n"
        TINYC_DSP_COLUMN
        "bne 1b\n"
        "pop {r4-r11}\n"
        : "+r"(r0), "+r"(r1), "+r"(r2), "+r"(r3), "+r"(r12) : "r"(pitch) : "cc", "memory");
#else
    uint32_t *to = f->made;

    for (int32_t at = f->way; at < 0; at += f->pitch, to += 6) {
        tinyc_dsp_portable_column(to, f->top + at, f->middle + at, f->bottom + at);
    }
#endif
    if (scale > 0) {
        tinyc_dsp_scaled(f->made, -f->way / f->pitch * 6, (int32_t)scale);
    }
}
