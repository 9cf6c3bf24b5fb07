/* A byte of eight elements of one bit, the first in the lowest one. */
static inline TINYC_HOT_ATTR uint8_t tinyc_pack1(int a, int b, int c, int d, int e, int f, int g, int h)
{
    return (uint8_t)(a | b << 1 | c << 2 | d << 3 | e << 4 | f << 5 | g << 6 | h << 7);
}
