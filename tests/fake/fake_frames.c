/* SPDX-License-Identifier: Apache-2.0 */
/* Fake RAM that the real frame allocator hands out. */
#include <stdlib.h>

#include "fake_mmu.h"

#include <corbel/mem_range.h>
#include <corbel/page.h>

void *fake_frames_init(u64 base, u64 size)
{
    const struct mem_range ram = { base, size };
    void *books = calloc(1, page_books_size(&ram, 1));

    fake_ram_init(base, size);
    if (books && page_init(&ram, 1, books) == CORBEL_OK && page_add(base, size) == CORBEL_OK)
        return books;
    free(books);
    return NULL;
}
