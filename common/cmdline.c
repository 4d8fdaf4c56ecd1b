/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The boot options (docs: requirements of the command line): words between blanks,
 * key or key=value, later ones win. Spelling follows Xen: a switch may be bare,
 * "no-" in front of its key turns it off, '-' and '_' in a key are the same.
 * A word that is not known is named and ignored, a value that is not
 * understood is named and leaves the default. Pure; one call at boot.
 */
#include <corbel/cmdline.h>

#include <corbel/compiler.h>
#include <corbel/err.h>
#include <corbel/log.h>
#include <corbel/printf.h>
#include <corbel/sched.h>
#include <corbel/string.h>

#define WORD_SHOWN_MAX 60u /* of a word that is reported */

/* A piece of the line: not ended with NUL. */
struct word {
    const char *text;
    size_t len;
};

struct option {
    const char *key;
    const char *expected; /* completes "key=value: expected ..." */
    /* False when the value cannot be meant; out is unchanged then. */
    bool (*set)(struct boot_options *out, struct word value);
    bool is_switch; /* may stand without a value, or with "no-" before it */
};

struct name_value {
    const char *name;
    u8 value;
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool word_is(struct word w, const char *text)
{
    return strlen(text) == w.len && memcmp(w.text, text, w.len) == 0;
}

/* Keys only: '-' is as good as '_'. */
static bool key_is(struct word w, const char *key)
{
    size_t i;

    for (i = 0; i < w.len; i++) {
        char a = w.text[i] == '-' ? '_' : w.text[i];
        char b = key[i] == '-' ? '_' : key[i];

        if (a != b)
            return false;
    }
    return key[w.len] == '\0';
}

static bool word_starts(struct word w, const char *prefix)
{
    size_t len = strlen(prefix);

    return w.len >= len && memcmp(w.text, prefix, len) == 0;
}

/* Append " text" to a list of fixed size; "..." ends one that is full. */
static void list_append(char *list, size_t size, const char *text, size_t len)
{
    size_t used = strlen(list);
    size_t gap = used > 0;

    if (len > WORD_SHOWN_MAX)
        len = WORD_SHOWN_MAX;
    if (used + gap + len + sizeof(" ...") > size) {
        if (used >= 3 && strcmp(list + used - 3, "...") != 0)
            memcpy(list + used, " ...", sizeof(" ..."));
        return;
    }
    list[used] = ' ';
    memcpy(list + used + gap, text, len);
    list[used + gap + len] = '\0';
}

/* ---- values ---- */

static bool find_name(const struct name_value *table, size_t count, struct word w, u8 *out)
{
    size_t i;

    for (i = 0; i < count; i++) {
        if (word_is(w, table[i].name)) {
            *out = table[i].value;
            return true;
        }
    }
    return false;
}

static bool parse_bool(struct word w, bool *out)
{
    static const struct name_value names[] = {
        { "1", 1 }, { "yes", 1 }, { "on", 1 },  { "true", 1 },  { "enable", 1 },
        { "0", 0 }, { "no", 0 },  { "off", 0 }, { "false", 0 }, { "disable", 0 },
    };
    u8 value;

    if (!find_name(names, ARRAY_SIZE(names), w, &value))
        return false;
    *out = value != 0;
    return true;
}

/* The number at the start of w and what follows it. */
static bool parse_number(struct word w, u64 *out, struct word *rest)
{
    const char *at = w.text;

    if (w.len == 0 || str_to_u64(&at, out) != CORBEL_OK)
        return false;
    rest->text = at;
    rest->len = w.len - (size_t)(at - w.text);
    return true;
}

static bool parse_count(struct word w, u32 *out)
{
    struct word rest;
    u64 value;

    if (!parse_number(w, &value, &rest) || rest.len != 0 || value == 0 || value > MAX_VCPUS)
        return false;
    *out = (u32)value;
    return true;
}

/* Bytes with a suffix, as KiB; a bare number is KiB already. */
static bool parse_kib(struct word w, u64 *out)
{
    static const char suffixes[] = "KkMmGgTt";
    const char *suffix;
    struct word rest;
    unsigned int shift = 0;
    u64 value;

    if (!parse_number(w, &value, &rest) || rest.len > 1)
        return false;
    if (rest.len == 1 && (rest.text[0] == 'B' || rest.text[0] == 'b')) {
        value >>= 10;
    } else if (rest.len == 1) {
        suffix = memchr(suffixes, rest.text[0], sizeof(suffixes) - 1);
        if (!suffix)
            return false;
        shift = (unsigned int)(suffix - suffixes) / 2 * 10;
    }
    /* Beyond 64 bits of bytes no machine goes. */
    if (value == 0 || value > (~0ull >> 10) >> shift)
        return false;
    *out = value << shift;
    return true;
}

/*
 * "level" or "always/limited": Xen prints below the first threshold always and up
 * to the second with a rate limit. Lines that guests cause are always limited
 * here, so the higher of the two is what counts. Errors cannot be silenced.
 */
static bool parse_level(struct word w, u8 *out)
{
    static const struct name_value names[] = {
        { "none", LOG_ERR },  { "error", LOG_ERR },   { "warning", LOG_WARN },
        { "info", LOG_INFO }, { "debug", LOG_DEBUG }, { "all", LOG_DEBUG },
    };
    const char *slash = memchr(w.text, '/', w.len);
    struct word first = w;
    struct word second = w;
    u8 low;
    u8 high;

    if (slash) {
        first.len = (size_t)(slash - w.text);
        second.text = slash + 1;
        second.len = w.len - first.len - 1;
    }
    if (!find_name(names, ARRAY_SIZE(names), first, &low) ||
        !find_name(names, ARRAY_SIZE(names), second, &high))
        return false;
    *out = low > high ? low : high;
    return true;
}

/* ---- options ---- */

/* Take the first item off a comma list; false: the list is empty. */
static bool next_item(struct word *list, struct word *item)
{
    const char *comma = memchr(list->text, ',', list->len);
    size_t len = comma ? (size_t)(comma - list->text) : list->len;

    if (list->len == 0)
        return false;
    *item = (struct word){ list->text, len };
    list->text += len + (comma ? 1 : 0);
    list->len -= len + (comma ? 1 : 0);
    return true;
}

/* A comma list of devices; the device tree's UART is the only one there is. */
static bool set_console(struct boot_options *out, struct word value)
{
    struct word item;
    bool found = false;

    if (value.len == 0)
        return false;
    while (next_item(&value, &item)) {
        if (word_is(item, "dtuart"))
            found = true;
        else if (!word_is(item, "none"))
            return false;
    }
    out->console_dtuart = found;
    return true;
}

static bool set_dtuart(struct boot_options *out, struct word value)
{
    if (value.len == 0 || value.len >= sizeof(out->dtuart))
        return false;
    memcpy(out->dtuart, value.text, value.len);
    out->dtuart[value.len] = '\0';
    return true;
}

static bool set_loglvl(struct boot_options *out, struct word value)
{
    return parse_level(value, &out->loglvl);
}

static bool set_guest_loglvl(struct boot_options *out, struct word value)
{
    return parse_level(value, &out->guest_loglvl);
}

static bool set_sched(struct boot_options *out, struct word value)
{
    static const struct name_value names[] = {
        { "fair", SCHED_FAIR },
        { "credit", SCHED_FAIR },
        { "credit2", SCHED_FAIR },
        { "null", SCHED_NULL },
    };

    return find_name(names, ARRAY_SIZE(names), value, &out->sched);
}

static bool set_vwfi(struct boot_options *out, struct word value)
{
    static const struct name_value names[] = { { "native", 1 }, { "trap", 0 }, { "idle", 0 } };
    u8 native;

    if (!find_name(names, ARRAY_SIZE(names), value, &native))
        return false;
    out->vwfi_native = native != 0;
    return true;
}

/* "idle" is Xen's word for scrubbing by CPUs that have nothing else to do. */
static bool set_bootscrub(struct boot_options *out, struct word value)
{
    if (word_is(value, "idle")) {
        out->bootscrub = true;
        return true;
    }
    return parse_bool(value, &out->bootscrub);
}

static bool set_sync_console(struct boot_options *out, struct word value)
{
    return parse_bool(value, &out->sync_console);
}

static bool set_p2m_report(struct boot_options *out, struct word value)
{
    return parse_bool(value, &out->p2m_report);
}

/* "name", "no-name" or "name=yes", as Xen has the items of its lists. */
static bool item_is_switch(struct word item, const char *name, bool *on)
{
    size_t len = strlen(name);
    bool no = word_starts(item, "no-");

    if (no) {
        item.text += 3;
        item.len -= 3;
    }
    if (!word_starts(item, name))
        return false;
    item.text += len;
    item.len -= len;
    if (item.len == 0) {
        *on = !no;
        return true;
    }
    if (no || item.text[0] != '=')
        return false;
    return parse_bool((struct word){ item.text + 1, item.len - 1 }, on);
}

/*
 * What an item of iommu= sets; false: no such item. Words of Xen's that ask for what is so
 * anyway change nothing, nor does their opposite: no SMMU of the tree is ever left undriven
 * in silence, and no device is given to a domain behind one.
 */
static bool set_iommu_item(struct boot_options *out, struct word item)
{
    static const char *const known[] = { "force", "required", "verbose", "debug", "quarantine" };
    bool on;

    if (parse_bool(item, &on)) {
        out->iommu_off = !on;
        return true;
    }
    if (item_is_switch(item, "sharept", &on)) {
        out->iommu_unshared = !on;
        return true;
    }
    if (IS_ENABLED(CONFIG_DEBUG) && word_is(item, "debug-no-inval")) {
        out->iommu_no_inval = true;
        return true;
    }
    for (size_t i = 0; i < ARRAY_SIZE(known); i++)
        if (item_is_switch(item, known[i], &on))
            return true;
    return false;
}

static bool set_iommu(struct boot_options *out, struct word value)
{
    struct boot_options changed = *out;
    struct word item;

    if (value.len == 0)
        return false;
    while (next_item(&value, &item)) {
        if (!set_iommu_item(&changed, item))
            return false;
    }
    *out = changed;
    return true;
}

static bool set_dom0_mem(struct boot_options *out, struct word value)
{
    return parse_kib(value, &out->dom0_mem);
}

static bool set_dom0_max_vcpus(struct boot_options *out, struct word value)
{
    return parse_count(value, &out->dom0_max_vcpus);
}

static bool set_maxcpus(struct boot_options *out, struct word value)
{
    return parse_count(value, &out->max_cpus);
}

static const struct option options[] = {
    { "console", "dtuart or none", set_console, false },
    { "dtuart", "a path or alias of at most 127 characters", set_dtuart, false },
    { "loglvl", "none, error, warning, info, debug or all", set_loglvl, false },
    { "guest_loglvl", "none, error, warning, info, debug or all", set_guest_loglvl, false },
    { "sched", "fair, credit, credit2 or null", set_sched, false },
    { "vwfi", "trap or native", set_vwfi, false },
    { "bootscrub", "yes, no or idle", set_bootscrub, true },
    { "sync_console", "yes or no", set_sync_console, true },
    { "corbel,p2m-report", "yes or no", set_p2m_report, true },
    { "iommu", "a list of yes, no, sharept, no-sharept, force, verbose, debug", set_iommu, true },
    { "dom0_mem", "a size above 0, as 512M", set_dom0_mem, false },
    { "dom0_max_vcpus", "a number from 1 to 64", set_dom0_max_vcpus, false },
    { "maxcpus", "a number from 1 to 64", set_maxcpus, false },
};

static const struct option *find_option(struct word key)
{
    size_t i;

    for (i = 0; i < ARRAY_SIZE(options); i++) {
        if (key_is(key, options[i].key))
            return &options[i];
    }
    return NULL;
}

static void refuse(struct boot_options *out, struct word word, const struct option *option)
{
    char text[160];
    int shown = (int)(word.len < WORD_SHOWN_MAX ? word.len : WORD_SHOWN_MAX);

    fmt_snprintf(text, sizeof(text), "%s%.*s: expected %s", out->bad[0] ? "; " : "", shown,
                 word.text, option->expected);
    if (strlen(out->bad) + strlen(text) < sizeof(out->bad))
        memcpy(out->bad + strlen(out->bad), text, strlen(text) + 1);
}

static void apply(struct boot_options *out, struct word word)
{
    static const struct word yes = { "yes", 3 };
    static const struct word no = { "no", 2 };
    const char *equals = memchr(word.text, '=', word.len);
    struct word key = word;
    struct word value = yes;
    const struct option *option;

    if (equals) {
        key.len = (size_t)(equals - word.text);
        value.text = equals + 1;
        value.len = word.len - key.len - 1;
    }
    option = find_option(key);
    if (!option && !equals && word_starts(key, "no-")) {
        key.text += 3;
        key.len -= 3;
        value = no;
        option = find_option(key);
        if (option && !option->is_switch)
            option = NULL;
    }
    if (!option)
        list_append(out->unknown, sizeof(out->unknown), word.text, word.len);
    else if ((!equals && !option->is_switch) || !option->set(out, value))
        refuse(out, word, option);
}

void cmdline_parse(const char *line, struct boot_options *out)
{
    struct word word;

    memset(out, 0, sizeof(*out));
    out->console_dtuart = true;
    out->loglvl = LOG_INFO;
    out->guest_loglvl = LOG_WARN;
    out->sched = SCHED_FAIR;
    out->bootscrub = true;

    for (;;) {
        while (is_blank(*line))
            line++;
        if (*line == '\0')
            break;
        word.text = line;
        while (*line != '\0' && !is_blank(*line))
            line++;
        word.len = (size_t)(line - word.text);
        apply(out, word);
    }
    str_clean(out->unknown);
    str_clean(out->bad);
}
