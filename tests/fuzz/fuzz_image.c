/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kernel modules of any contents: what the header says (Image, gzip of one, uImage), unpacking in
 * pieces, and the places of kernel, tree and ramdisk in any banks of RAM. Nothing is read outside
 * of the module; what is placed lies in RAM, apart, and as booting.rst wants it.
 */
#include "fuzz.h"

#include <libfdt.h>

#include <corbel/bits.h>
#include <corbel/gunzip.h>
#include <corbel/plan.h>

#define MODULE_AT  0x50000000ull
#define UNPACK_MAX 0x10000u
#define BANKS_MAX  4u

static const u8 *file;
static u64 file_size, module_size;
static u32 pages_out; /* of env.alloc, not given back */
static struct plan plan;

static void read_host(void *dst, u64 pa, u64 size)
{
    u64 offset = pa - MODULE_AT, there = offset < file_size ? file_size - offset : 0;

    assert_true(pa >= MODULE_AT && offset <= module_size && size <= module_size - offset);
    memset(dst, 0, size);
    if (there)
        memcpy(dst, file + offset, MIN(size, there));
}

static void *alloc_pages(u64 size)
{
    pages_out++;
    return calloc(1, size);
}

static void free_pages(void *ptr, u64 size)
{
    pages_out--;
    free(ptr);
}

/* The whole stream, out and in by pieces of the same size; how much came out. */
static u64 unpack(const u8 *in, u64 in_len, u64 piece, u8 *out)
{
    static u8 work[GUNZIP_WORK_SIZE] __attribute__((aligned(16)));
    struct gunzip *g = gunzip_start(work);
    u64 fed = 0, made = 0;
    enum corbel_err err = ERR_AGAIN;

    while (err == ERR_AGAIN && made < UNPACK_MAX) {
        struct gunzip_io io = { .in = in + fed,
                                .in_len = MIN(piece, in_len - fed),
                                .out = out + made,
                                .out_len = MIN(piece, UNPACK_MAX - made) };
        u64 in_before = io.in_len, out_before = io.out_len;

        err = gunzip_step(g, &io);
        assert_true(io.in_len <= in_before && io.out_len <= out_before);
        fed += in_before - io.in_len;
        made += out_before - io.out_len;
        if (in_before == io.in_len && out_before == io.out_len)
            break;
    }
    return made;
}

/* How the stream is cut does not matter. */
static void check_unpacking(const struct image_info *info, u32 piece)
{
    static u8 whole[UNPACK_MAX], pieces[UNPACK_MAX];
    u64 made;

    if (info->skip >= file_size)
        return;
    made = unpack(file + info->skip, file_size - info->skip, UNPACK_MAX, whole);
    assert_true(unpack(file + info->skip, file_size - info->skip, piece, pieces) == made);
    assert_memory_equal(whole, pieces, made);
}

static void check_info(const struct image_info *info)
{
    assert_true(info->format == IMAGE_RAW_ARM64 || info->format == IMAGE_GZIP);
    assert_true(info->skip <= module_size && info->size <= module_size - info->skip);
    assert_true(info->skip == (info->uimage ? 64 : 0));
    assert_true(info->format == IMAGE_GZIP || info->mem_size != 0);
    assert_true(info->text_offset <= BIT(40) && info->text_offset % 0x1000 == 0);
}

/* The probe by itself: of a module's first bytes none that is not there, however few there are. */
static void check_probe(u64 len)
{
    u8 *head = malloc(len ? len : 1);
    struct image_info info;
    const char *why = "";

    memcpy(head, file, len);
    if (image_probe(head, len, module_size, &info, &why) == CORBEL_OK)
        check_info(&info);
    else
        assert_true(*why);
    free(head);
}

/* --- places ----------------------------------------------------------------------------------- */

static bool is_in(const struct mem_range *r, u64 base, u64 size)
{
    return base >= r->base && size <= r->size && base - r->base <= r->size - size;
}

static bool is_in_ram(const struct mem_range *banks, u32 count, u64 base, u64 size)
{
    for (u32 i = 0; i < count; i++)
        if (is_in(&banks[i], base, size))
            return true;
    return false;
}

static bool is_apart(u64 a, u64 a_size, u64 b, u64 b_size)
{
    return a + a_size <= b || b + b_size <= a;
}

static void check_place(const struct mem_range *banks, u32 count, const struct image_want *want,
                        const struct image_place *at)
{
    u64 kernel = MAX(want->kernel_size, 1), dtb = MAX(want->dtb_size, 1);

    assert_true(is_in_ram(banks, count, at->kernel, kernel));
    assert_true(is_in_ram(banks, count, at->dtb, dtb));
    assert_true(at->entry >= at->kernel && at->entry - at->kernel < kernel);
    if (want->info->fixed)
        assert_true(at->kernel == want->info->load_addr);
    else
        assert_true((at->kernel - want->info->text_offset) % SZ_2M == 0);
    assert_true(at->dtb % 8 == 0 && at->dtb / SZ_2M == (at->dtb + dtb - 1) / SZ_2M);
    assert_true(is_apart(at->kernel, kernel, at->dtb, dtb));
    if (!want->ramdisk_size)
        return;
    assert_true(at->ramdisk % 0x1000 == 0);
    assert_true(is_in_ram(banks, count, at->ramdisk, want->ramdisk_size));
    assert_true(is_apart(at->kernel, kernel, at->ramdisk, want->ramdisk_size));
    assert_true(is_apart(at->dtb, dtb, at->ramdisk, want->ramdisk_size));
}

/* Banks come by address and apart, as the solver leaves them: whole pages within 52 bits. */
static void place(struct fuzz_in *in, const struct image_info *info, u64 kernel_size)
{
    struct mem_range banks[BANKS_MAX];
    struct image_want want = { .info = info, .kernel_size = kernel_size };
    struct image_place at;
    const char *why = "";
    u64 base = 0;
    u32 count = 1 + fuzz_below(in, BANKS_MAX);

    for (u32 i = 0; i < count; i++) {
        banks[i].base = base + ALIGN_DOWN(fuzz_number(in) & (BIT(48) - 1), 0x1000ull);
        banks[i].size = 0x1000 + ALIGN_DOWN(fuzz_number(in) & (BIT(48) - 1), 0x1000ull);
        base = banks[i].base + banks[i].size;
    }
    want.dtb_size = fuzz_number(in) & (BIT(22) - 1);
    want.ramdisk_size = fuzz_number(in);
    if (image_place_banks(banks, count, &want, &at, &why) == CORBEL_OK)
        check_place(banks, count, &want, &at);
    else
        assert_true(*why);
}

/* --- the whole -------------------------------------------------------------------------------- */

/* CRC-32 of a uImage header, so that mutation gets behind it. */
static void mend_crc(u8 *header)
{
    u32 crc = ~0u;

    memset(header + 4, 0, 4);
    for (u32 i = 0; i < 64 * 8; i++) {
        crc ^= i % 8 ? 0 : header[i / 8];
        crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
    }
    for (u32 i = 0; i < 4; i++)
        header[4 + i] = (u8)(~crc >> (24 - 8 * i));
}

static const struct platform *platform(void)
{
    static struct platform p;
    static u8 tree[256] __attribute__((aligned(8)));

    if (!p.fdt) {
        assert_int_equal(fdt_create_empty_tree(tree, sizeof(tree)), 0);
        p.fdt = tree;
    }
    return &p;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    struct fuzz_in in = { data, MIN(size, (size_t)96) };
    const struct plan_env env = {
        .platform = platform(), .read = read_host, .alloc = alloc_pages, .free = free_pages
    };
    struct cfg_error e = { .text = "" };
    u32 flags = (u32)fuzz_take(&in, 1), piece = 1 + fuzz_below(&in, 1024);
    enum corbel_err err;
    u64 head;
    u8 *copy;

    if (size < 96)
        return 0;
    /* 96 bytes of decisions, then the module. */
    file_size = size - 96;
    copy = malloc(file_size + 1);
    memcpy(copy, data + 96, file_size);
    if ((flags & 1) && file_size >= 64)
        mend_crc(copy);
    file = copy;
    module_size = flags & 2 ? fuzz_number(&in) & (BIT(47) - 1) : file_size;
    head = 1 + fuzz_below(&in, IMAGE_PROBE_SIZE);
    check_probe(MIN(file_size, head));
    memset(&plan, 0, sizeof(plan));
    plan.cfg.kernel.range = (struct mem_range){ MODULE_AT, module_size };
    err = plan_probe_kernel(&env, &plan, &e);
    assert_int_equal(pages_out, 0);
    if (err == CORBEL_OK) {
        check_info(&plan.image);
        if (plan.image.format == IMAGE_GZIP && module_size == file_size)
            check_unpacking(&plan.image, piece);
        place(&in, &plan.image, plan.kernel_mem);
    } else {
        assert_non_null(strstr(e.text, "expected a kernel image: "));
    }
    free(copy);
    return 0;
}
