/* Makes scores of three queries with a row of keys: 12 products in 11 instructions. Tops are raised. */
#if defined(tinyc_dsp_assembly)
#  define TINYC_DSP_SCORES \
    "ldr.w r10, [r0], #4\n" \
    "ldm.w r1!, {r2, r3, r12}\n" \
    "sxtb16 lr, r10\n" \
    "smlad r4, lr, r2, r4\n" \
    "smlad r5, lr, r3, r5\n" \
    "smlad r6, lr, r12, r6\n" \
    "ldm.w r1!, {r2, r3, r12}\n" \
    "sxtb16 lr, r10, ror #8\n" \
    "smlad r4, lr, r2, r4\n" \
    "smlad r5, lr, r3, r5\n" \
    "smlad r6, lr, r12, r6\n"
#endif
static TINYC_LAYER_ATTR TINYC_HOT_ATTR void tinyc_dsp_scores(struct tinyc_dsp_keys *row, const int8_t *keys)
{
#if defined(tinyc_dsp_assembly)
    register const int8_t *key __asm__("r0") = keys;
    register struct tinyc_dsp_keys *scored __asm__("r1") = row;

    __asm__ volatile(
        "push {r4-r11, lr}\n"
        "mov r11, r1\n"
        "ldr r12, [r11, #16]\n"
        "adr r2, 2f\n"
        "add r12, r12, r2\n"
        "push {r12}\n"
        "add r12, r11, #28\n"
        "ldm r12, {r7-r9}\n"
        "1:\n"
        "ldr r1, [r11]\n"
        "ldr r12, [r11, #8]\n"
        "ldr r10, [r0]\n"
        "add r0, r0, r12\n"
        "ldm.w r1!, {r2, r3, r12}\n"
        "sxtb16 lr, r10\n"
        "smuad r4, lr, r2\n"
        "smuad r5, lr, r3\n"
        "smuad r6, lr, r12\n"
        "ldm.w r1!, {r2, r3, r12}\n"
        "sxtb16 lr, r10, ror #8\n"
        "smlad r4, lr, r2, r4\n"
        "smlad r5, lr, r3, r5\n"
        "smlad r6, lr, r12, r6\n"
        "ldr pc, [sp]\n"
        ".balign 4\n"
        "2:\n"
        TINYC_DSP_SCORES TINYC_DSP_SCORES TINYC_DSP_SCORES TINYC_DSP_SCORES
        "ldr r2, [r11, #4]\n"
        "cmp r1, r2\n"
        "bne 2b\n"
        "ldrd r2, r3, [r11, #20]\n"
        "stm r2!, {r4-r6}\n"
        "str r2, [r11, #20]\n"
        "cmp r7, r4\n"
        "it lt\n"
        "movlt r7, r4\n"
        "cmp r8, r5\n"
        "it lt\n"
        "movlt r8, r5\n"
        "cmp r9, r6\n"
        "it lt\n"
        "movlt r9, r6\n"
        "ldr r12, [r11, #12]\n"
        "add r0, r0, r12\n"
        "cmp r2, r3\n"
        "bne 1b\n"
        "add r12, r11, #28\n"
        "stm r12, {r7-r9}\n"
        "add sp, #4\n"
        "pop {r4-r11, lr}\n"
        : "+r"(key), "+r"(scored) : : "r2", "r3", "r12", "lr", "cc", "memory");
#else
    for (; row->scores < row->scores_end; keys += row->gap, row->scores += 3) {
        int32_t sums[3] = { 0, 0, 0 };

        for (const uint32_t *words = row->queries; words < row->queries_end; words += 6) {
            for (int32_t n = 0; n < 3; ++n) {
                sums[n] += (int16_t)words[n] * keys[0] + (int16_t)(words[n] >> 16) * keys[2];
                sums[n] += (int16_t)words[n + 3] * keys[1] + (int16_t)(words[n + 3] >> 16) * keys[3];
            }
            keys += words == row->queries ? row->first : 4;
        }
        for (int32_t n = 0; n < 3; ++n) {
            row->scores[n] = (uint32_t)sums[n];
            row->tops[n] = tinyc_max(sums[n], row->tops[n]);
        }
    }
#endif
}
