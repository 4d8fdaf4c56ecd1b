/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What differs from the PC below corbel-check (tools/check/host.c, whose functions of these names
 * are renamed for this program, see fuzz.mk): a machine that is refused is no end, and books of a
 * machine with endless memory are refused before they are written.
 */
#include "fuzz_tree.h"

#include "../../tools/check/check.h"

#include <arch/mmu.h>
#include <corbel/panic.h>

#define HEAP_PIECE_MAX (4 * SZ_1M)

enum corbel_err check_map_heap(pa_t pa, u64 size);

static jmp_buf refused;
static struct check *running; /* NULL: a panic is a fault */
static char words[256];

enum corbel_err arch_mmu_map_heap(pa_t pa, u64 size)
{
    return size > HEAP_PIECE_MAX ? ERR_NOMEM : check_map_heap(pa, size);
}

/* Before the first domain a machine without usable memory is one that cannot be booted. */
static bool is_refusal(void)
{
    static const char *const fine[] = { "no room for the ", "the frame allocator's books at ",
                                        "the device tree describes no memory",
                                        "the memory banks of the device tree cannot be ",
                                        "no memory for a copy of the device tree " };

    if (!running || running->free || running->domain_count)
        return false;
    for (u32 i = 0; i < ARRAY_SIZE(fine); i++)
        if (strncmp(words, fine[i], strlen(fine[i])) == 0)
            return true;
    return false;
}

void panic(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(words, sizeof(words), fmt, ap);
    va_end(ap);
    if (is_refusal())
        longjmp(refused, 1);
    fprintf(stderr, "panic: %s\n", words);
    abort();
}

bool fuzz_tree_run(struct check *c, const struct check_options *o, const char **why)
{
    bool fine = false;

    running = c;
    if (setjmp(refused) == 0)
        fine = check_run(c, o, why);
    else
        *why = words;
    running = NULL;
    return fine;
}
