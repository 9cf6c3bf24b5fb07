/* As dsp_columns8.h, of elements of 2 bits, to which 2 is added so that none is negative. */
static TINYC_LAYER_ATTR TINYC_HOT_ATTR void tinyc_dsp_columns2(const struct tinyc_dsp_filters *f, uint32_t scale)
{
#if defined(tinyc_dsp_assembly)
    const uint32_t given[4] = { 32u - scale, 0x00030003u << scale, (uint32_t)f->way, (uint32_t)f->pitch };
    register uint32_t *r0 __asm__("r0") = f->made;
    register const int8_t *r1 __asm__("r1") = f->top;
    register const int8_t *r2 __asm__("r2") = f->middle;
    register const int8_t *r3 __asm__("r3") = f->bottom;
    register const uint32_t *r12 __asm__("r12") = given;

    __asm__ volatile(
        "push {r4-r11}\n"
        "ldm r12, {r9, r11, r12, lr}\n" /* what rotates to the left by `scale`, the mask there, way, pitch */
        "1:\n"
        "ldrb r4, [r1, r12]\n"
        "ldrb r5, [r2, r12]\n"
        "ldrb r6, [r3, r12]\n"
        "adds r12, r12, lr\n"
        "orr r10, r4, r5, lsl #16\n"
        "eor r10, r10, #0x00AA00AA\n"
        "eor r8, r6, #0x000000AA\n"
        "orr r8, r8, r8, lsl #12\n"
        "ror r10, r10, r9\n"
        "ror r8, r8, r9\n"
        "and r4, r11, r10\n"
        "and r5, r11, r8\n"
        "and r6, r11, r10, ror #4\n"
        "stm r0!, {r4-r6}\n"
        "and r4, r11, r10, ror #2\n"
        "and r5, r11, r8, ror #2\n"
        "and r6, r11, r10, ror #6\n"
        "stm r0!, {r4-r6}\n"
        "bne 1b\n"
        "pop {r4-r11}\n"
        : "+r"(r0), "+r"(r1), "+r"(r2), "+r"(r3), "+r"(r12) : : "lr", "cc", "memory");
#else
    uint32_t *to = f->made;

    for (int32_t at = f->way; at < 0; at += f->pitch) {
        const uint32_t two = ((uint8_t)f->top[at] | (uint32_t)(uint8_t)f->middle[at] << 16) ^ 0x00AA00AAu;
        const uint32_t bottom = (uint8_t)f->bottom[at] ^ 0xAAu, one = bottom | bottom << 12;

        for (int32_t shift = 0; shift < 4; shift += 2) {
            *to++ = (two >> shift & 0x00030003u) << scale;
            *to++ = (one >> shift & 0x00030003u) << scale;
            *to++ = (two >> (shift + 4) & 0x00030003u) << scale;
        }
    }
#endif
}
