/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A reader of the payload's own device tree (Devicetree specification, chapter 5).
 */
#include "fdt.h"
#include "lib.h"

#define TOKEN_BEGIN 1U
#define TOKEN_END   2U
#define TOKEN_PROP  3U
#define TOKEN_NOP   4U

static const uint8_t *blob;
static const uint8_t *tree;
static const char *names;

static uint32_t be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static int align4(int offset)
{
    return (offset + 3) & ~3;
}

void fdt_init(uintptr_t dtb)
{
    blob = (const uint8_t *)dtb;
    tree = blob + be32(blob + 8);
    names = (const char *)blob + be32(blob + 12);
}

uintptr_t fdt_base(void)
{
    return (uintptr_t)blob;
}

size_t fdt_size(void)
{
    return be32(blob + 4);
}

const char *fdt_name(int node)
{
    return (const char *)tree + node + 4;
}

/* The offset of the first token after a node's name. */
static int node_body(int node)
{
    return align4(node + 4 + (int)strlen(fdt_name(node)) + 1);
}

/* The offset after the property or NOP at OFFSET. */
static int skip_item(int offset)
{
    if (be32(tree + offset) == TOKEN_NOP) {
        return offset + 4;
    }
    return align4(offset + 12 + (int)be32(tree + offset + 4));
}

/* The offset after the whole node. */
static int node_end(int node)
{
    int offset = node_body(node);

    while (be32(tree + offset) != TOKEN_END) {
        offset = be32(tree + offset) == TOKEN_BEGIN ? node_end(offset) : skip_item(offset);
    }
    return offset + 4;
}

int fdt_child(int node, int child)
{
    int offset = child < 0 ? node_body(node) : node_end(child);

    while (be32(tree + offset) != TOKEN_END) {
        if (be32(tree + offset) == TOKEN_BEGIN) {
            return offset;
        }
        offset = skip_item(offset);
    }
    return -1;
}

static bool name_matches(int node, const char *name, size_t size)
{
    const char *own = fdt_name(node);

    return strncmp(own, name, size) == 0 && (own[size] == '\0' || own[size] == '@');
}

int fdt_path(const char *path)
{
    int node = 0;

    while (*path == '/') {
        size_t size = 0;
        int child = -1;

        path++;
        while (path[size] != '\0' && path[size] != '/') {
            size++;
        }
        if (size == 0) {
            return node;
        }
        do {
            child = fdt_child(node, child);
        } while (child >= 0 && !name_matches(child, path, size));
        if (child < 0) {
            return -1;
        }
        node = child;
        path += size;
    }
    return node;
}

bool fdt_is_compatible(int node, const char *compatible)
{
    size_t size;
    const char *text = fdt_prop(node, "compatible", &size);
    size_t at = 0;

    while (text != NULL && at < size) {
        if (strcmp(text + at, compatible) == 0) {
            return true;
        }
        at += strlen(text + at) + 1;
    }
    return false;
}

static int find_compatible(int node, const char *compatible)
{
    if (fdt_is_compatible(node, compatible)) {
        return node;
    }
    for (int child = fdt_child(node, -1); child >= 0; child = fdt_child(node, child)) {
        int found = find_compatible(child, compatible);

        if (found >= 0) {
            return found;
        }
    }
    return -1;
}

int fdt_compatible(const char *compatible)
{
    return find_compatible(0, compatible);
}

static int find_parent(int from, int node)
{
    for (int child = fdt_child(from, -1); child >= 0; child = fdt_child(from, child)) {
        if (child == node) {
            return from;
        }
        if (node > child && node < node_end(child)) {
            return find_parent(child, node);
        }
    }
    return -1;
}

int fdt_parent(int node)
{
    return find_parent(0, node);
}

const void *fdt_prop(int node, const char *name, size_t *size)
{
    int offset;

    if (node < 0) {
        return NULL;
    }
    offset = node_body(node);
    while (be32(tree + offset) == TOKEN_PROP || be32(tree + offset) == TOKEN_NOP) {
        if (be32(tree + offset) == TOKEN_PROP &&
            strcmp(names + be32(tree + offset + 8), name) == 0) {
            *size = be32(tree + offset + 4);
            return tree + offset + 12;
        }
        offset = skip_item(offset);
    }
    return NULL;
}

const char *fdt_text(int node, const char *name)
{
    size_t size;

    return fdt_prop(node, name, &size);
}

uint32_t fdt_cell(int node, const char *name, unsigned int index, uint32_t otherwise)
{
    size_t size;
    const uint8_t *value = fdt_prop(node, name, &size);

    if (value == NULL || size < (index + 1) * 4UL) {
        return otherwise;
    }
    return be32(value + index * 4UL);
}

static uint64_t reg_value(int node, unsigned int first, unsigned int cells)
{
    uint64_t value = 0;

    for (unsigned int i = 0; i < cells; i++) {
        value = value << 32 | fdt_cell(node, "reg", first + i, 0);
    }
    return value;
}

bool fdt_reg(int node, unsigned int index, uint64_t *base, uint64_t *size)
{
    int parent = fdt_parent(node);
    unsigned int address_cells = fdt_cell(parent, "#address-cells", 0, 2);
    unsigned int size_cells = fdt_cell(parent, "#size-cells", 0, 1);
    unsigned int first = index * (address_cells + size_cells);
    size_t bytes;

    if (fdt_prop(node, "reg", &bytes) == NULL ||
        bytes < (first + address_cells + size_cells) * 4UL) {
        return false;
    }
    *base = reg_value(node, first, address_cells);
    *size = reg_value(node, first + address_cells, size_cells);
    return true;
}

bool fdt_ram(unsigned int index, uint64_t *base, uint64_t *size)
{
    unsigned int before = 0;

    for (int node = fdt_child(0, -1); node >= 0; node = fdt_child(0, node)) {
        if (strncmp(fdt_name(node), "memory@", 7) != 0) {
            continue;
        }
        for (unsigned int i = 0; fdt_reg(node, i, base, size); i++) {
            if (before++ == index) {
                return true;
            }
        }
    }
    return false;
}

unsigned int fdt_intid(int node, unsigned int index)
{
    uint32_t kind = fdt_cell(node, "interrupts", index * 3, UINT32_MAX);
    uint32_t number = fdt_cell(node, "interrupts", index * 3 + 1, 0);

    if (kind > 1) {
        return 0;
    }
    return kind == 0 ? number + 32 : number + 16;
}
