/* What `table` has for each four bits of `a` and, above them, of `b`, of `count` bytes. */
static TINYC_LAYER_ATTR TINYC_HOT_ATTR void tinyc_packed_pairs(
    const uint8_t *a, const uint8_t *b, uint8_t *out, int32_t count, const uint8_t *table)
{
    for (; count > 3; count -= 4, a += 4, b += 4, out += 4) {
        const uint32_t x = tinyc_word((const int8_t *)a), y = tinyc_word((const int8_t *)b);
        const uint32_t even = (x & 0x0F0F0F0Fu) | (y & 0x0F0F0F0Fu) << 4;
        const uint32_t odd = (x >> 4 & 0x0F0F0F0Fu) | (y & 0xF0F0F0F0u);

        out[0] = (uint8_t)(table[even & 255u] | table[odd & 255u] << 4);
        out[1] = (uint8_t)(table[even >> 8 & 255u] | table[odd >> 8 & 255u] << 4);
        out[2] = (uint8_t)(table[even >> 16 & 255u] | table[odd >> 16 & 255u] << 4);
        out[3] = (uint8_t)(table[even >> 24] | table[odd >> 24] << 4);
    }
    for (; count > 0; --count) {
        const uint32_t x = *a++, y = *b++;

        *out++ = (uint8_t)(table[(x & 15u) | (y << 4 & 0xf0u)] | table[x >> 4 | (y & 0xf0u)] << 4);
    }
}
