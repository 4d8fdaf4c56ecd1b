/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TREE_H
#define TREE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <corbel/types.h>
#include <libfdt.h>

/*
 * Device trees for tests: built node by node in tree order with libfdt's
 * sequential writer, then edited, then taken as a heap block of exactly the
 * blob's size, so that the address sanitizer sees one byte too far.
 */
#define TREE_ROOM 65536

static u8 tree_room[TREE_ROOM] __attribute__((aligned(8)));
static void *tree_taken;

static inline void tree_ok(int result)
{
    assert_true(result >= 0);
}

/* Building: tree_begin, node ... end, tree_end. The root is opened and closed here. */
static inline void tree_begin(void)
{
    tree_ok(fdt_create(tree_room, TREE_ROOM / 2));
    tree_ok(fdt_finish_reservemap(tree_room));
    tree_ok(fdt_begin_node(tree_room, ""));
}

static inline void tree_end(void)
{
    tree_ok(fdt_end_node(tree_room));
    tree_ok(fdt_finish(tree_room));
    tree_ok(fdt_open_into(tree_room, tree_room, TREE_ROOM));
}

static inline void node(const char *name)
{
    tree_ok(fdt_begin_node(tree_room, name));
}

static inline void end(void)
{
    tree_ok(fdt_end_node(tree_room));
}

static inline void put_cells(const char *name, const u32 *values, u32 count)
{
    u32 raw[64];
    u32 i;

    assert_true(count <= 64);
    for (i = 0; i < count; i++)
        raw[i] = cpu_to_fdt32(values[i]);
    tree_ok(fdt_property(tree_room, name, raw, (int)count * 4));
}

#define CELL_LIST(...) (const u32[]){ __VA_ARGS__ }, sizeof((const u32[]){ __VA_ARGS__ }) / 4

/* cells("reg", 0, 0x1000, ...); list("compatible", "a\0b"); raw bytes without a NUL; empty. */
#define cells(name, ...) put_cells(name, CELL_LIST(__VA_ARGS__))
#define list(name, text) tree_ok(fdt_property(tree_room, name, text, sizeof(text)))
#define raw(name, text)  tree_ok(fdt_property(tree_room, name, text, sizeof(text) - 1))
#define empty(name)      tree_ok(fdt_property(tree_room, name, "", 0))

/* Editing, by path. */
static inline int tree_at(const char *path)
{
    int at = fdt_path_offset(tree_room, path);

    assert_true(at >= 0);
    return at;
}

static inline void tree_set_cells(const char *path, const char *name, const u32 *values, u32 count)
{
    u32 raw_cells[64];
    u32 i;

    assert_true(count <= 64);
    for (i = 0; i < count; i++)
        raw_cells[i] = cpu_to_fdt32(values[i]);
    tree_ok(fdt_setprop(tree_room, tree_at(path), name, raw_cells, (int)count * 4));
}

#define set_cells(path, name, ...) tree_set_cells(path, name, CELL_LIST(__VA_ARGS__))
#define set_list(path, name, text) \
    tree_ok(fdt_setprop(tree_room, tree_at(path), name, text, sizeof(text)))
#define set_raw(path, name, text) \
    tree_ok(fdt_setprop(tree_room, tree_at(path), name, text, sizeof(text) - 1))
#define empty_prop(path, name)  tree_ok(fdt_setprop(tree_room, tree_at(path), name, "", 0))
#define del_prop(path, name)    tree_ok(fdt_delprop(tree_room, tree_at(path), name))
#define del_node(path)          tree_ok(fdt_del_node(tree_room, tree_at(path)))
/* In front of its brothers, as boot scripts do it. */
#define add_node(path, name)    tree_ok(fdt_add_subnode(tree_room, tree_at(path), name))
#define add_reserve(base, size) tree_ok(fdt_add_mem_rsv(tree_room, base, size))

/* The tree as a block of its own; the one taken before is freed. */
static inline void *tree_take(void)
{
    size_t size;

    free(tree_taken);
    tree_ok(fdt_pack(tree_room));
    size = fdt_totalsize(tree_room);
    tree_taken = malloc(size);
    assert_non_null(tree_taken);
    memcpy(tree_taken, tree_room, size);
    tree_ok(fdt_open_into(tree_room, tree_room, TREE_ROOM));
    return tree_taken;
}

static inline int tree_free(void **state)
{
    (void)state;
    free(tree_taken);
    tree_taken = NULL;
    return 0;
}

#endif
