/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nodes and properties of a flattened tree by its tags: what fdt_read.c asks thousands of times
 * at boot, in a handful of instructions a tag. libfdt checks the header and the bounds anew
 * for each byte of each name; here fdtr_check() has done so once for the whole tree, strings
 * included, and only the structure block's end is looked at again. No state, no recursion.
 * Devicetree Specification v0.4: 5.4 (structure block), 2.2.1 (node names).
 */
#include <corbel/fdt_walk.h>

#include <corbel/bits.h>
#include <corbel/fdt_read.h>
#include <corbel/string.h>

#define CELL_SIZE 4u

/* Byte offsets in the header; all of it is big-endian. */
#define HEADER_TOTAL_SIZE  4u
#define HEADER_STRUCT      8u
#define HEADER_STRINGS     12u
#define HEADER_VERSION     20u
#define HEADER_STRUCT_SIZE 36u /* from version 17 on */

enum { TAG_BEGIN_NODE = 1, TAG_END_NODE = 2, TAG_PROP = 3, TAG_NOP = 4, TAG_END = 9 };

/* Of a property, from its tag on: length, offset of the name, value. */
#define PROP_LEN   4u
#define PROP_NAME  8u
#define PROP_VALUE 12u

static u32 be32(const u8 *p)
{
    return __builtin_bswap32(*(const u32 *)(const void *)p);
}

struct tags {
    const u8 *block;
    u32 size;
};

static struct tags tags_of(const void *fdt)
{
    u32 start = be32((const u8 *)fdt + HEADER_STRUCT);
    bool sized = be32((const u8 *)fdt + HEADER_VERSION) >= 17;

    return (struct tags){
        .block = (const u8 *)fdt + start,
        .size = sized ? be32((const u8 *)fdt + HEADER_STRUCT_SIZE)
                      : be32((const u8 *)fdt + HEADER_TOTAL_SIZE) - start,
    };
}

u32 fdtr_struct_size(const void *fdt)
{
    return tags_of(fdt).size;
}

/* Behind the name that begins at offset at: a name ends in the first word with a zero byte. */
static u32 name_end(const struct tags *t, u32 at)
{
    u32 word = 0x01010101;

    while (!((word - 0x01010101) & ~word & 0x80808080) && t->size - at >= CELL_SIZE) {
        word = *(const u32 *)(const void *)(t->block + at);
        at += CELL_SIZE;
    }
    return at;
}

/* The tag at an offset, and where the one after it is; TAG_END for all that is none. */
static inline u32 tag_at(const struct tags *t, u32 at, u32 *next)
{
    u32 rest = t->size - at, tag, len;

    if (at >= t->size || rest < CELL_SIZE)
        return TAG_END;
    tag = be32(t->block + at);
    *next = at + CELL_SIZE;
    if (tag == TAG_PROP) {
        len = rest < PROP_VALUE ? ~0u : be32(t->block + at + PROP_LEN);
        if (rest < PROP_VALUE || len > rest - PROP_VALUE)
            return TAG_END;
        *next = ALIGN_UP(at + PROP_VALUE + len, CELL_SIZE);
    } else if (tag == TAG_BEGIN_NODE) {
        *next = name_end(t, at + CELL_SIZE);
    } else if (tag != TAG_END_NODE && tag != TAG_NOP) {
        return TAG_END;
    }
    return tag;
}

/* What node holds begins behind its name; false when there is no such node. */
static bool node_inside(const struct tags *t, int node, u32 *inside)
{
    return node >= 0 && (u32)node % CELL_SIZE == 0 &&
           tag_at(t, (u32)node, inside) == TAG_BEGIN_NODE;
}

/*
 * The next node from offset *at on, whose depth moves by *depth; *at is then what it holds.
 * -1 at the end of the tree.
 */
static int node_from(const struct tags *t, u32 *at, int *depth)
{
    u32 here, tag;

    do {
        here = *at;
        tag = tag_at(t, here, at);
        if (tag == TAG_BEGIN_NODE) {
            ++*depth;
            return (int)here;
        }
    } while (tag != TAG_END && (tag != TAG_END_NODE || --*depth >= 0));
    return -1;
}

/* ---- nodes ---- */

int fdtr_next_node(const void *fdt, int node, int *depth)
{
    struct tags t = tags_of(fdt);
    u32 at = 0;

    if (node >= 0 && !node_inside(&t, node, &at))
        return -1;
    do {
        node = node_from(&t, &at, depth);
    } while (node >= 0 && *depth >= FDTR_DEPTH_MAX);
    return node;
}

int fdtr_chain(const void *fdt, int node, int chain[FDTR_DEPTH_MAX])
{
    struct tags t = tags_of(fdt);
    u32 at = 0;
    int depth = -1, found;

    do {
        found = node_from(&t, &at, &depth);
        if (found < 0 || found > node)
            return -1;
        if (depth < FDTR_DEPTH_MAX)
            chain[depth] = found;
    } while (found < node);
    return depth < FDTR_DEPTH_MAX ? depth : -1;
}

int fdtr_first_child(const void *fdt, int node)
{
    struct tags t = tags_of(fdt);
    int depth = 0;
    u32 at;

    if (!node_inside(&t, node, &at))
        return -1;
    node = node_from(&t, &at, &depth);
    return depth == 1 ? node : -1;
}

int fdtr_next_child(const void *fdt, int child)
{
    struct tags t = tags_of(fdt);
    int depth = 1;
    u32 at;

    if (!node_inside(&t, child, &at))
        return -1;
    do {
        child = node_from(&t, &at, &depth);
    } while (child >= 0 && depth > 1);
    return depth == 1 ? child : -1;
}

const char *fdtr_name(const void *fdt, int node)
{
    struct tags t = tags_of(fdt);
    u32 inside;

    return node_inside(&t, node, &inside) ? (const char *)t.block + node + CELL_SIZE : "";
}

/* Is name, of len characters, that of the node, with or without its unit address? */
static bool is_named(const char *node, const char *name, size_t len)
{
    if (strncmp(node, name, len) != 0)
        return false;
    return node[len] == '\0' || (node[len] == '@' && !memchr(name, '@', len));
}

int fdtr_child_len(const void *fdt, int node, const char *name, size_t len)
{
    int child = fdtr_first_child(fdt, node);

    while (child >= 0 && !is_named(fdtr_name(fdt, child), name, len))
        child = fdtr_next_child(fdt, child);
    return child;
}

int fdtr_child(const void *fdt, int node, const char *name)
{
    return fdtr_child_len(fdt, node, name, strlen(name));
}

/* ---- properties ---- */

/* The first property from offset at on; false at the end of its node's. */
static bool prop_from(const struct tags *t, u32 at, u32 *prop, u32 *next)
{
    u32 tag;

    while ((tag = tag_at(t, at, next)) == TAG_NOP)
        at = *next;
    *prop = at;
    return tag == TAG_PROP;
}

static const char *strings_of(const void *fdt)
{
    return (const char *)fdt + be32((const u8 *)fdt + HEADER_STRINGS);
}

int fdtr_next_prop(const void *fdt, int node, int prev, struct fdtr_property *out)
{
    struct tags t = tags_of(fdt);
    u32 at, prop, next;

    if (prev < 0 ? !node_inside(&t, node, &at) : tag_at(&t, (u32)prev, &at) != TAG_PROP)
        return -1;
    if (!prop_from(&t, at, &prop, &next))
        return -1;
    out->name = strings_of(fdt) + be32(t.block + prop + PROP_NAME);
    out->data = t.block + prop + PROP_VALUE;
    out->len = be32(t.block + prop + PROP_LEN);
    return (int)prop;
}

const void *fdtr_prop_len(const void *fdt, int node, const char *name, size_t name_len, u32 *len)
{
    struct tags t = tags_of(fdt);
    const char *strings = strings_of(fdt);
    u32 at, prop;

    if (!node_inside(&t, node, &at))
        return NULL;
    while (prop_from(&t, at, &prop, &at)) {
        const char *text = strings + be32(t.block + prop + PROP_NAME);

        if (*text != *name || strncmp(text, name, name_len) != 0 || text[name_len] != '\0')
            continue;
        if (len)
            *len = be32(t.block + prop + PROP_LEN);
        return t.block + prop + PROP_VALUE;
    }
    return NULL;
}

const void *fdtr_prop(const void *fdt, int node, const char *name, u32 *len)
{
    return fdtr_prop_len(fdt, node, name, strlen(name), len);
}

/* Put "/name" before buf[pos]; false when only its tail fitted (pos is 0 then). */
static bool path_prepend(char *buf, size_t *pos, const char *name)
{
    size_t len = strlen(name);
    size_t part = len < *pos ? len : *pos;

    memcpy(buf + *pos - part, name + len - part, part);
    *pos -= part;
    if (part < len || *pos == 0)
        return false;
    buf[--*pos] = '/';
    return true;
}

const char *fdtr_path_of(const void *fdt, int node, char *buf, size_t size)
{
    int chain[FDTR_DEPTH_MAX];
    int depth = fdtr_chain(fdt, node, chain);
    size_t pos;
    bool fits = true;

    if (size == 0)
        return "";
    pos = size - 1;
    if (depth <= 0) {
        str_copy(buf, depth == 0 ? "/" : "", size);
        return buf;
    }
    buf[pos] = '\0';
    for (; depth > 0 && fits; depth--)
        fits = path_prepend(buf, &pos, fdtr_name(fdt, chain[depth]));
    if (!fits)
        memset(buf, '.', size - 1 < 3 ? size - 1 : 3);
    memmove(buf, buf + pos, size - pos);
    str_clean(buf); /* paths are for people to read, often on a terminal */
    return buf;
}
