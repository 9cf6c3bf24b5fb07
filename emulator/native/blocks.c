/* Counts what Unicorn executes: its hook on blocks of code, as a shared library. blocks.py mirrors the structures.
 * It is C because a network runs millions of blocks; what a block holds is asked of Python, once for each. */
#include <stdint.h>

enum { NOBODY = -1 };                                /* owner of a helper: its work is its caller's */
enum { RUNNING, LIMIT_REACHED, NOT_CODE, STACK_LOW }; /* why a run was stopped */

/* A stretch of code that runs as a whole. ``count`` 0: not looked at yet. */
struct block {
    uint32_t count, following;
    int32_t owner;
    double cycles;
};

struct work {
    uint64_t instructions;
    double cycles;
};

struct counter {
    struct block *blocks; /* one for each halfword of code, where a block may start */
    uint64_t begin, end;  /* of the image's code */
    struct work *work;    /* by layer; the last is that of the model's own function */
    void (*look)(uint64_t address, uint32_t size, struct block *block);
    int (*stop)(void *engine);
    int (*read)(void *engine, int id, void *value);
    uint64_t limit, total;
    uint64_t lowest, floor; /* the least value of the stack pointer, and what it must not fall below */
    double taken;           /* cycles that a branch takes more when it is taken */
    int32_t stack;          /* the stack pointer's number in Unicorn */
    int32_t owner, reason;
    uint32_t expected; /* where control goes when no branch is taken */
};

static void stopped(void *engine, struct counter *c, int reason)
{
    c->reason = reason;
    c->stop(engine);
}

void tinyc_on_block(void *engine, uint64_t address, uint32_t size, struct counter *c)
{
    uint64_t pointer = 0;
    struct block *block;

    if (address < c->begin || address >= c->end) {
        stopped(engine, c, NOT_CODE);
        return;
    }
    block = &c->blocks[(address - c->begin) / 2];
    if (block->count == 0) {
        c->look(address, size, block);
    }
    if (address != c->expected) {
        c->work[c->owner].cycles += c->taken;
    }
    if (block->owner != NOBODY) {
        c->owner = block->owner;
    }
    c->work[c->owner].instructions += block->count;
    c->work[c->owner].cycles += block->cycles;
    c->expected = block->following;
    c->total += block->count;
    c->read(engine, c->stack, &pointer);
    if (pointer < c->lowest) {
        c->lowest = pointer;
    }
    if (c->total > c->limit) {
        stopped(engine, c, LIMIT_REACHED);
    } else if (c->lowest < c->floor) {
        stopped(engine, c, STACK_LOW);
    }
}
