/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Configuration properties, read with their refusal: the one place that knows how
 * a wrong value is shown. Used by every parser of /chosen (domains, CPU pools) on
 * the target and in host tools. Pure, no state; bounded buffers on the stack.
 */
#include <corbel/domprop.h>

#include <corbel/fdt_read.h>
#include <corbel/printf.h>
#include <corbel/string.h>

#define VALUE_SIZE  80u
#define PATH_SIZE   96u
#define CELLS_SHOWN 6u /* more cells than this end in "..." */

void cfg_error_set(struct cfg_error *e, const char *path, const char *property, const char *value,
                   const char *expected)
{
    fmt_snprintf(e->text, sizeof(e->text), "%s: %s = %s: expected %s", path, property, value,
                 expected);
    str_clean(e->text); /* also a name of another node in what was expected */
}

void domprop_clean(char *dst, const char *text, size_t size)
{
    size_t i;

    for (i = 0; i + 1 < size && text[i]; i++)
        dst[i] = (text[i] >= 0x20 && text[i] < 0x7f) ? text[i] : '?';
    dst[i] = '\0';
}

void domprop_node_name(const void *fdt, int node, char *buf, size_t size)
{
    const char *name = fdtr_name(fdt, node);
    const char *unit = strchr(name, '@');

    domprop_clean(buf, name, size);
    if (unit && unit != name && (size_t)(unit - name) < size)
        buf[unit - name] = '\0';
}

static void show_cells(char *buf, const void *data, u32 len)
{
    u32 cells = len / 4;
    int at = fmt_snprintf(buf, VALUE_SIZE, "<");

    for (u32 i = 0; i < cells && i < CELLS_SHOWN; i++) {
        u32 cell = (u32)fdtr_read_cells((const u8 *)data + 4 * i, 1);

        at += fmt_snprintf(buf + at, VALUE_SIZE - (size_t)at, "%s0x%x", i ? " " : "", cell);
    }
    fmt_snprintf(buf + at, VALUE_SIZE - (size_t)at, "%s", cells > CELLS_SHOWN ? " ...>" : ">");
}

static void show_string(char *buf, const char *text, u32 len)
{
    char clean[48];

    domprop_clean(clean, text, sizeof(clean));
    fmt_snprintf(buf, VALUE_SIZE, "\"%s%s\"", clean,
                 strnlen(text, len) >= sizeof(clean) ? "..." : "");
}

static void show_value(char *buf, const void *data, u32 len, enum domprop_form form)
{
    if (form == DOMPROP_PRESENT)
        fmt_snprintf(buf, VALUE_SIZE, "(present)");
    else if (form == DOMPROP_CELLS && len && len % 4 == 0)
        show_cells(buf, data, len);
    else if (form == DOMPROP_STRING && len && ((const char *)data)[len - 1] == '\0')
        show_string(buf, data, len);
    else
        fmt_snprintf(buf, VALUE_SIZE, "(%u byte%s)", len, len == 1 ? "" : "s");
}

enum corbel_err domprop_refuse(const struct domprop *at, const char *name, enum domprop_form form,
                               const char *expected)
{
    char value[VALUE_SIZE];
    char path[PATH_SIZE];
    char clean[PATH_SIZE];
    const void *data;
    u32 len = 0;

    data = fdtr_prop(at->fdt, at->node, name, &len);
    if (data)
        show_value(value, data, len, form);
    else
        fmt_snprintf(value, sizeof(value), "(missing)");
    domprop_clean(clean, fdtr_path_of(at->fdt, at->node, path, sizeof(path)), sizeof(clean));
    cfg_error_set(at->e, clean, name, value, expected);
    return ERR_INVAL;
}

enum corbel_err domprop_refusef(const struct domprop *at, const char *name, enum domprop_form form,
                                const char *format, ...)
{
    char expected[sizeof(at->e->text)];
    va_list ap;

    va_start(ap, format);
    fmt_vsnprintf(expected, sizeof(expected), format, ap);
    va_end(ap);
    return domprop_refuse(at, name, form, expected);
}

/* The property's bytes when it has the wanted length; else refused, or ERR_NOENT. */
static enum corbel_err read_exact(const struct domprop *at, const struct domprop_rule *rule,
                                  u32 cells, u64 *out)
{
    u32 len = 0;
    const void *data = fdtr_prop(at->fdt, at->node, rule->name, &len);

    if (!data)
        return ERR_NOENT;
    if (len != cells * 4)
        return domprop_refuse(at, rule->name, DOMPROP_LENGTH, rule->expected);
    *out = fdtr_read_cells(data, cells);
    if (*out < rule->min || *out > rule->max)
        return domprop_refuse(at, rule->name, DOMPROP_CELLS, rule->expected);
    return CORBEL_OK;
}

enum corbel_err domprop_u32(const struct domprop *at, const struct domprop_rule *rule, u32 *out)
{
    u64 value;
    enum corbel_err err = read_exact(at, rule, 1, &value);

    if (err == CORBEL_OK)
        *out = (u32)value;
    return err;
}

enum corbel_err domprop_u64(const struct domprop *at, const struct domprop_rule *rule, u64 *out)
{
    u64 value;
    enum corbel_err err = read_exact(at, rule, 2, &value);

    if (err == CORBEL_OK)
        *out = value;
    return err;
}

enum corbel_err domprop_string(const struct domprop *at, const char *name, const char *expected,
                               const char **out)
{
    u32 len = 0;
    const char *data = fdtr_prop(at->fdt, at->node, name, &len);

    if (!data)
        return ERR_NOENT;
    if (!len || strnlen(data, len) != len - 1)
        return domprop_refuse(at, name, DOMPROP_LENGTH, expected);
    *out = data;
    return CORBEL_OK;
}
