/* The outputs of `row`, `count` of them, four channels after the other: columns are made, the outputs are bytes behind
 * `staged`, and these are packed. */
static TINYC_ROUTINE_ATTR void tinyc_dsp_each_quad(
    const struct tinyc_dsp_depthwise *conv, struct tinyc_dsp_filters *row, int32_t count, int8_t *staged)
{
    const struct tinyc_dsp_quads *quads = conv->quads;
    const int32_t way = row->way, pitch = row->pitch;
    int8_t *const out = row->out;

    row->out = staged;
    row->rest = 0;
    row->pairs = (count & ~1) * 4;
    for (int32_t first = 0, done = 0; done < quads->channels; done += 4) {
        const int32_t next = done < quads->last ? done : quads->last, rest = quads->channels - next;

        if (way != 0) {
            row->top += (next - first) / quads->many;
            row->middle += (next - first) / quads->many;
            row->bottom += (next - first) / quads->many;
            row->way = way;
            row->pitch = pitch;
            quads->columns(row, quads->scale);
        }
        first = next;
        row->way = 0;
        row->pitch = 4;
        conv->multiply(row);
        row->weights += quads->words;
        if (quads->low > -128 || quads->high < 127) {
            tinyc_dsp_clamp(staged, 4 * count, quads->low, quads->high);
        }
        quads->store(out + first / quads->made_many, conv->made, staged, count, rest < 4 ? rest : 4);
    }
}
