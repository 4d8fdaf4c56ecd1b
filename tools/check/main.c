/* SPDX-License-Identifier: Apache-2.0 */
/*
 * corbel-check: says before a machine is started what the hypervisor would build from a host
 * device tree and the boot modules, and what it would refuse. docs/checker.md.
 */
#include "check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <corbel/bits.h>
#include <corbel/image.h>

#define PA_BITS_DEFAULT 40u
#define LINES_DEFAULT   1020u /* IHI 0069 2.2.1: SPIs end at 1019 */
#define FILE_SIZE_MAX   (4 * SZ_1G)

enum { EXIT_FINE, EXIT_REFUSED, EXIT_USAGE };

static const char usage[] =
    "usage: corbel-check HOST.dtb [options]\n"
    "  --module ADDR=FILE    a boot module at its load address (repeat)\n"
    "  --no-modules          plan without the files of kernels and partial device trees\n"
    "  --hypervisor ADDR=FILE  where the hypervisor's image is loaded\n"
    "  --tree-at ADDR        where the host tree itself is in memory\n"
    "  --cpu-pa-bits N       physical address bits of the CPUs, 32 to 48 [40]\n"
    "  --smmu-ipa-bits N     guest address bits that all SMMUs walk, 32 to 48 [as the CPUs]\n"
    "  --smmu-not-driven PATH  an SMMU that the hypervisor cannot drive (repeat)\n"
    "  --gic-lines N         interrupt numbers of the GIC, 32 to 1020 [1020]\n"
    "  --json                the report as one JSON object\n"
    "exit code: 0 all would start, 1 something is refused, 2 the machine or the call is wrong\n";

static void die(const char *what, const char *word)
{
    fprintf(stderr, "corbel-check: %s: %s\n%s", word, what, usage);
    exit(EXIT_USAGE);
}

static u64 parse_number(const char *text, char **end)
{
    u64 value;

    errno = 0;
    value = strtoull(text, end, 0);
    if (errno || *end == text || *text == '-')
        die("a number was expected", text);
    return value;
}

static u32 parse_count(const char *text, u32 min, u32 max)
{
    char *end;
    u64 value = parse_number(text, &end);

    if (*end || value < min || value > max)
        die("out of range", text);
    return (u32)value;
}

static void load(struct check_file *file)
{
    FILE *in = fopen(file->path, "rb");
    long size = -1;

    if (in && fseek(in, 0, SEEK_END) == 0)
        size = ftell(in);
    if (size < 0 || (u64)size > FILE_SIZE_MAX)
        die("cannot be read", file->path);
    rewind(in);
    file->size = (u64)size;
    file->data = malloc(file->size + 1);
    if (!file->data || fread(file->data, 1, file->size, in) != file->size)
        die("cannot be read", file->path);
    fclose(in);
}

/* ADDR=FILE */
static struct check_file parse_file(const char *word)
{
    struct check_file file = { 0 };
    char *end;

    file.addr = parse_number(word, &end);
    if (*end != '=' || !end[1])
        die("ADDR=FILE was expected", word);
    file.path = end + 1;
    load(&file);
    if (file.addr + file.size < file.addr)
        die("ends beyond 64 bits", word);
    return file;
}

/* From there to the end of its BSS, as its header says. */
static struct check_file parse_image(const char *word)
{
    struct check_file file = parse_file(word);
    struct image_info info;
    const char *why = "";

    if (image_probe(file.data, MIN(file.size, IMAGE_PROBE_SIZE), file.size, &info, &why) !=
            CORBEL_OK ||
        info.format != IMAGE_RAW_ARM64)
        die("no arm64 Image", file.path);
    file.size = info.mem_size;
    free(file.data);
    file.data = NULL;
    return file;
}

static void add_module(struct check_options *o, const char *word)
{
    if (o->module_count == CHECK_MODULES_MAX)
        die("too many modules", word);
    o->modules[o->module_count++] = parse_file(word);
}

/* An option with a value. */
static void parse_option(struct check_options *o, const char *name, const char *value)
{
    char *end;

    if (!value)
        die("a value was expected", name);
    if (strcmp(name, "--module") == 0) {
        add_module(o, value);
    } else if (strcmp(name, "--hypervisor") == 0) {
        o->image = parse_image(value);
    } else if (strcmp(name, "--tree-at") == 0) {
        o->tree.addr = parse_number(value, &end);
        if (*end)
            die("an address was expected", value);
    } else if (strcmp(name, "--cpu-pa-bits") == 0) {
        o->pa_bits = parse_count(value, 32, 48);
    } else if (strcmp(name, "--smmu-ipa-bits") == 0) {
        o->smmu_bits = parse_count(value, 32, 48);
    } else if (strcmp(name, "--smmu-not-driven") == 0) {
        if (o->not_driven_count == PLATFORM_IOMMU_MAX)
            die("too many SMMUs", value);
        o->not_driven[o->not_driven_count++] = value;
    } else if (strcmp(name, "--gic-lines") == 0) {
        o->line_count = parse_count(value, 32, LINES_DEFAULT);
    } else {
        die("unknown option", name);
    }
}

static void parse_options(struct check_options *o, int argc, char **argv)
{
    o->pa_bits = PA_BITS_DEFAULT;
    o->line_count = LINES_DEFAULT;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0)
            o->json = true;
        else if (strcmp(argv[i], "--no-modules") == 0)
            o->no_modules = true;
        else if (argv[i][0] == '-') {
            parse_option(o, argv[i], argv[i + 1]);
            i++;
        } else if (o->tree.path) {
            die("a second host tree", argv[i]);
        } else {
            o->tree.path = argv[i];
        }
    }
    if (!o->tree.path)
        die("a host tree was expected", "HOST.dtb");
    load(&o->tree);
}

int main(int argc, char **argv)
{
    static struct check_options options;
    static struct check check;
    const char *why = "";
    bool fine;

    if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        fputs(usage, stdout);
        return EXIT_FINE;
    }
    parse_options(&options, argc, argv);
    host_init(&check, &options);
    if (!check_run(&check, &options, &why)) {
        fprintf(stderr, "corbel-check: %s: %s\n", options.tree.path, why);
        return EXIT_USAGE;
    }
    if (options.json)
        check_print_json(&check);
    else
        check_print_text(&check);
    fine = !check_refused_count(&check) && !check.pool_error_count;
    check_free(&check);
    host_exit();
    free(options.tree.data);
    return fine ? EXIT_FINE : EXIT_REFUSED;
}
