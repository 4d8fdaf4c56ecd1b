/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the stress payload goes: every register block that its tree names, holes between them,
 * both sides of RAM's end, addresses of every width, all of 64 bits. Its own memory is in reach
 * only where nothing of it lives.
 */
#include "fdt.h"
#include "stress.h"

#define GIB          BIT(30)
#define VA_MASK      (BIT(39) - 1) /* of either half: both are mapped alike (mmu.c) */
#define WINDOW_INDEX 508U
#define WINDOW       ((uint64_t)WINDOW_INDEX * GIB)
#define REACH_BELOW  0x2000U
#define REACH_ABOVE  0x20000U
_Static_assert(STRESS_REACH < REACH_BELOW && STRESS_REACH < REACH_ABOVE, "reach of a base");
#define SCRATCH_SIZE 0x8000U
#define HOOK_PAGES   16U /* of the end of RAM, if the domain has a hook (tools/soak.py) */
#define MAX_BLOCKS   48U
#define MAX_BANKS    8U

struct block {
    uint64_t base;
    uint64_t size;
};

static struct block blocks[MAX_BLOCKS];
static unsigned int block_count;
static struct block banks[MAX_BANKS];
static unsigned int bank_count;
static bool has_window;
static bool end_is_free; /* nothing of ours in the last pages of RAM */
static _Alignas(4096) uint8_t scratch[SCRATCH_SIZE];

static bool is_skipped(const char *name)
{
    return strncmp(name, "cpus", 4) == 0 || strncmp(name, "chosen", 6) == 0 ||
           strncmp(name, "timer", 5) == 0;
}

static void add_regs(int node, bool memory)
{
    uint64_t base;
    uint64_t size;

    for (unsigned int i = 0; fdt_reg(node, i, &base, &size); i++) {
        if (memory && bank_count < MAX_BANKS) {
            banks[bank_count++] = (struct block){ base, size };
        } else if (!memory && size != 0 && block_count < MAX_BLOCKS) {
            blocks[block_count++] = (struct block){ base, size };
        }
    }
}

static void read_nodes(int parent, unsigned int depth)
{
    for (int node = fdt_child(parent, -1); node >= 0; node = fdt_child(parent, node)) {
        if (is_skipped(fdt_name(node))) {
            continue;
        }
        add_regs(node, strncmp(fdt_name(node), "memory@", 7) == 0);
        if (depth > 0) {
            read_nodes(node, depth - 1);
        }
    }
}

static bool overlaps(uint64_t base, uint64_t end, const struct block *b)
{
    return base < b->base + b->size && end > b->base;
}

/* RAM is within an offset's reach of an address, or of its alias in either half or the window. */
static bool is_near_ram(uint64_t address)
{
    uint64_t low = address & VA_MASK;

    for (unsigned int i = 0; i < bank_count; i++) {
        if (overlaps(low - (low > REACH_BELOW ? REACH_BELOW : low), low + REACH_ABOVE, &banks[i])) {
            return true;
        }
    }
    return false;
}

void stress_map_init(void)
{
    const struct block *last;
    uint64_t end;

    read_nodes(0, 2);
    last = &banks[bank_count - 1];
    end = last->base + last->size;
    end_is_free = fdt_base() + fdt_size() < end - REACH_BELOW &&
                  (uintptr_t)_image_end < end - REACH_BELOW && last->size > REACH_ABOVE;
    has_window = true;
    for (unsigned int i = 0; i < bank_count; i++) {
        has_window = has_window && banks[i].base >= GIB;
    }
    if (has_window) {
        mmu_set_block(WINDOW_INDEX, 0, true);
    }
    diag("%u register blocks, %u banks of RAM%s%s", block_count, bank_count,
         end_is_free ? ", its end" : "", has_window ? ", a window" : "");
}

uint64_t stress_window(uint64_t ipa)
{
    return has_window && ipa < GIB ? WINDOW + ipa : ipa;
}

static struct target in_scratch(struct stress *s)
{
    uint64_t at = (uintptr_t)scratch + REACH_BELOW + stress_below(s, SCRATCH_SIZE / 2);

    if (stress_below(s, 2) == 0) {
        at &= ~15UL;
    }
    return (struct target){ at, at, true };
}

/* Around the last byte of RAM. */
static struct target at_ram_end(struct stress *s)
{
    const struct block *last = &banks[bank_count - 1];
    uint64_t at = last->base + last->size - 16 + stress_below(s, 32);

    return end_is_free ? (struct target){ at, at, true } : in_scratch(s);
}

uint64_t stress_hook_page(struct stress *s)
{
    const struct block *last = &banks[bank_count - 1];

    return last->base + last->size - (stress_below(s, HOOK_PAGES + 2) << 12);
}

static uint64_t in_block(struct stress *s)
{
    const struct block *b = &blocks[stress_below(s, block_count)];
    uint64_t page = stress_below(s, (b->size + 0xfff) >> 12) << 12;
    uint64_t at = 0;

    switch (stress_below(s, 5)) {
    case 0:
        at = page + stress_below(s, 0x1000);
        break;
    case 1:
        at = page + (stress_below(s, 0x400) << 2);
        break;
    case 2:
        at = stress_below(s, 0x20) << 2;
        break;
    case 3:
        at = (page & 0xf0000) + (stress_below(s, 16) << 8) + (stress_below(s, 16) << 2);
        break;
    default:
        at = b->size - 16 + stress_below(s, 24);
        break;
    }
    return b->base + at;
}

static uint64_t anywhere(struct stress *s)
{
    uint64_t at = 0;

    switch (stress_below(s, 4)) {
    case 0:
        at = stress_below(s, GIB);
        break;
    case 1:
        at = BIT(12 + stress_below(s, 40)) - 16 + stress_below(s, 32);
        break;
    case 2:
        at = stress_below(s, BIT(12 + stress_below(s, 40)));
        break;
    default:
        at = stress_random(s) | (stress_below(s, 2) == 0 ? 0xffffff8000000000UL : 0);
        break;
    }
    return stress_below(s, 2) == 0 ? at & ~7UL : at;
}

struct target stress_address(struct stress *s)
{
    uint64_t kind = stress_below(s, 16);
    bool windowed = stress_below(s, 2) == 0;
    uint64_t at;

    if (kind == 0) {
        return in_scratch(s);
    }
    if (kind == 1) {
        return at_ram_end(s);
    }
    at = kind < 4 || block_count == 0 ? anywhere(s) : in_block(s);
    if (is_near_ram(at)) {
        return in_scratch(s);
    }
    return (struct target){ windowed ? stress_window(at) : at, at, false };
}
