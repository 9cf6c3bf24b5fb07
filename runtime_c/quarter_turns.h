/* Takes whole quarter turns off an angle: returns r with |r| <= pi / 4 (nearly), and n with x = n pi / 2 + r in *n,
 * counted from 0 to 3. Angles beyond 2^30, where float has steps of 64, count as 0; infinity is not a number. */
static inline TINYC_HOT_ATTR float tinyc_quarter_turns(float x, int32_t *n)
{
    *n = 0;
    if (!(x > -1073741824.0f && x < 1073741824.0f)) {
        return (x - x) * 0.0f;
    }

    const int32_t turns = (int32_t)((double)x * 0.63661977236758134 + (x < 0.0f ? -0.5 : 0.5));

    *n = turns & 3;
    return (float)((double)x - turns * 1.5707963267341256 - turns * 6.0771005065061922e-11);
}
