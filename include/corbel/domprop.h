/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORBEL_DOMPROP_H
#define CORBEL_DOMPROP_H

#include <corbel/compiler.h>
#include <corbel/domcfg.h>
#include <corbel/err.h>
#include <corbel/types.h>

/*
 * Readers of the properties of one configuration node that refuse by name: on a
 * wrong value they write "path: property = value: expected what" and return an
 * error other than ERR_NOENT. ERR_NOENT always means absent, with no text written.
 * Values appear as <0x1 0x2>, "string", (missing), (3 bytes) or (present). Pure.
 */
struct domprop {
    const void *fdt;
    int node;
    struct cfg_error *e;
};

/* How a refused value is to be shown. */
enum domprop_form { DOMPROP_CELLS, DOMPROP_STRING, DOMPROP_LENGTH, DOMPROP_PRESENT };

/* Write the refusal of property name as the tree has it; returns ERR_INVAL. */
enum corbel_err domprop_refuse(const struct domprop *at, const char *name, enum domprop_form form,
                               const char *expected) __must_check;

/* The same, expected being a format. */
enum corbel_err domprop_refusef(const struct domprop *at, const char *name, enum domprop_form form,
                                const char *format, ...) __must_check __printf_like(4, 5);

/* A number of one cell (u32) or two (u64), from min to max. */
struct domprop_rule {
    const char *name;
    u64 min, max;
    const char *expected; /* "a weight from 1 to 65535" */
};
enum corbel_err domprop_u32(const struct domprop *at, const struct domprop_rule *rule, u32 *out)
    __must_check;
enum corbel_err domprop_u64(const struct domprop *at, const struct domprop_rule *rule, u64 *out)
    __must_check;

/* One NUL-terminated string that fills the property. */
enum corbel_err domprop_string(const struct domprop *at, const char *name, const char *expected,
                               const char **out) __must_check;

/* A copy of text in which bytes that a console cannot show are '?'; cut at size - 1. */
void domprop_clean(char *dst, const char *text, size_t size);

/* Copy the node's name without its unit address; the whole name when nothing is before '@'. */
void domprop_node_name(const void *fdt, int node, char *buf, size_t size);

#endif
