/* The largest of some pixels of a row, and of those in `best` if that is not the first row, for four channels after the
 * other: way[0] bytes of pixels, way[1] apart, up to `row`. `rest` is how many channels are behind the first four; the
 * last four may have been in others. */
static TINYC_LAYER_ATTR TINYC_HOT_ATTR void tinyc_dsp_largest(
    int8_t *best, const int8_t *row, const int32_t *way, int32_t rest, int first)
{
#if defined(tinyc_dsp_assembly)
    register int8_t *r0 __asm__("r0") = best;
    register const int8_t *r1 __asm__("r1") = row;
    register const int32_t *r2 __asm__("r2") = way;
    register int32_t r3 __asm__("r3") = rest;

    __asm__ volatile(
        "push {r4-r9}\n"
        "mov r8, %4\n"
        "ldrd r2, r12, [r2]\n"
        "1:\n"
        "mov r4, #0x80808080\n"
        "cmp r8, #0\n"
        "it eq\n"
        "ldreq r4, [r0]\n"
        "mov r6, r2\n"
        "2:\n"
        "ldr r7, [r1, r6]\n"
        "ssub8 r5, r4, r7\n"
        "sel r4, r4, r7\n"
        "adds r6, r6, r12\n"
        "bne 2b\n"
        "str r4, [r0]\n"
        "subs r3, r3, #4\n"
        "ite ge\n"
        "movge r4, #4\n"
        "addlt r4, r3, #4\n"
        "add r0, r0, r4\n"
        "add r1, r1, r4\n"
        "cmp r3, #-4\n"
        "bgt 1b\n"
        "pop {r4-r9}\n"
        : "+r"(r0), "+r"(r1), "+r"(r2), "+r"(r3) : "r"(first) : "r12", "cc", "memory");
#else
    for (int32_t at = way[0]; at < 0; at += way[1]) {
        for (int32_t c = 0; c < rest + 4; ++c) {
            best[c] = (first && at == way[0]) || row[at + c] > best[c] ? row[at + c] : best[c];
        }
    }
#endif
}
