/* SPDX-License-Identifier: Apache-2.0 */
/* Where kernel, device tree and ramdisk go, in one bank of RAM and in several. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <corbel/bits.h>
#include <corbel/image.h>
#include <corbel/string.h>

#define BANKS_MAX 33u

static struct image_info info;
static const char *why;
static struct image_place spot;

static enum corbel_err place(u64 base, u64 size, u64 kernel, u64 dtb, u64 ramdisk)
{
    struct image_want want = { kernel, dtb, ramdisk, &info };

    return image_place(base, size, &want, &spot, &why);
}

/* Xen's addresses for a Debian kernel. */
static void test_place_as_xen_does(void **state)
{
    memset(&info, 0, sizeof(info));
    assert_int_equal(place(0x40000000, SZ_1G, 0x2230000, 0x3000, 0xf0cb3), CORBEL_OK);
    assert_int_equal(spot.kernel, 0x40000000);
    assert_int_equal(spot.entry, 0x40000000);
    assert_int_equal(spot.dtb, 0x48000000);
    assert_int_equal(spot.ramdisk, 0x48200000);
}

static void test_place_in_small_ram(void **state)
{
    memset(&info, 0, sizeof(info));
    assert_int_equal(place(0x40000000, 64 * SZ_1M, 0x2230000, 0x3000, 0xf0cb3), CORBEL_OK);
    assert_int_equal(spot.ramdisk, 0x43f0f000);
    assert_int_equal(spot.dtb, 0x43e00000);
    assert_int_equal(place(0x40000000, 64 * SZ_1M, 0x2230000, 0x3000, 0), CORBEL_OK);
    assert_int_equal(spot.ramdisk, 0);
}

static void test_place_unaligned_bank(void **state)
{
    memset(&info, 0, sizeof(info));
    info.text_offset = 0x80000;
    assert_int_equal(place(0x40001000, 64 * SZ_1M, 0x200000, 0x1000, 0x1000), CORBEL_OK);
    assert_int_equal(spot.kernel, 0x40280000);
}

static void test_place_to_the_last_page(void **state)
{
    memset(&info, 0, sizeof(info));
    /* kernel, one page for the ramdisk, one for the device tree: it fits exactly, less does not */
    assert_int_equal(place(0x40000000, SZ_2M + 0x2000, SZ_2M, 0x1000, 0x1000), CORBEL_OK);
    assert_int_equal(spot.ramdisk, 0x40201000);
    assert_int_equal(spot.dtb, 0x40200000);
    assert_int_equal(place(0x40000000, SZ_2M + 0x1000, SZ_2M, 0x1000, 0x1000), ERR_FORMAT);
    assert_string_equal(why, "room for kernel, device tree and ramdisk");
    /* with a text_offset there is room in front of the kernel */
    info.text_offset = 0x80000;
    assert_int_equal(place(0x40000000, SZ_2M, SZ_2M - 0x80000, 0x1000, 0x1000), CORBEL_OK);
    assert_true(spot.dtb < 0x40080000 && spot.ramdisk < 0x40080000);
}

static void test_place_fixed(void **state)
{
    memset(&info, 0, sizeof(info));
    info.fixed = true;
    info.load_addr = 0x48100000;
    info.entry_offset = 0x40;
    assert_int_equal(place(0x40000000, SZ_1G, SZ_1M, 0x1000, 0x1000), CORBEL_OK);
    assert_int_equal(spot.kernel, 0x48100000);
    assert_int_equal(spot.entry, 0x48100040);
    assert_true(spot.dtb >= 0x48200000);
    info.load_addr = 0x3ffff000;
    assert_int_equal(place(0x40000000, SZ_1G, SZ_1M, 0x1000, 0x1000), ERR_FORMAT);
    assert_string_equal(why, "RAM at the kernel's load address");
    info.load_addr = 0x80000000;
    assert_int_equal(place(0x40000000, SZ_1G, SZ_1M, 0x1000, 0x1000), ERR_FORMAT);
    info.load_addr = 0x7ff80000;
    assert_int_equal(place(0x40000000, SZ_1G, SZ_1M, 0x1000, 0x1000), ERR_FORMAT);
    info.load_addr = 0x40000000;
    info.entry_offset = SZ_1M;
    assert_int_equal(place(0x40000000, SZ_1G, SZ_1M, 0x1000, 0x1000), ERR_FORMAT);
    assert_string_equal(why, "an entry point inside the kernel");
}

static void test_place_absurd_sizes(void **state)
{
    memset(&info, 0, sizeof(info));
    assert_int_equal(place(0x40000000, SZ_1G, ~0ull, 0x1000, 0x1000), ERR_FORMAT);
    assert_int_equal(place(0x40000000, SZ_1G, 0x1000, ~0ull, 0x1000), ERR_FORMAT);
    assert_int_equal(place(0x40000000, SZ_1G, 0x1000, 0x1000, ~0ull), ERR_FORMAT);
    assert_int_equal(place(0x40000000, 0, 0x1000, 0x1000, 0), ERR_FORMAT);
    info.text_offset = BIT(40);
    assert_int_equal(place(0x40000000, SZ_1G, 0x1000, 0x1000, 0x1000), ERR_FORMAT);
}

static void check_apart(u64 a, u64 a_size, u64 b, u64 b_size)
{
    if (a_size && b_size)
        assert_true(a + a_size <= b || b + b_size <= a);
}

static void test_place_never_overlaps(void **state)
{
    u32 seed = 11, placed = 0;

    for (u32 round = 0; round < 100000; round++) {
        u64 v[6], bank = 0x40000000, size;

        for (u32 i = 0; i < 6; i++) {
            seed = seed * 1664525 + 1013904223;
            v[i] = seed >> 8;
        }
        memset(&info, 0, sizeof(info));
        bank += (v[0] & 3) ? 0 : v[0] % 0x400000 & ~0xfffull;
        size = (v[1] % (200 * SZ_1M)) & ~0xfffull;
        info.text_offset = (v[2] & 1) ? 0x80000 : 0;
        info.fixed = v[2] % 5 == 0;
        info.load_addr = bank + v[2] % (SZ_1M * 100);
        if (place(bank, size, v[3] % (v[3] & 1 ? size + 1 : SZ_2M), v[4] % SZ_2M,
                  v[5] % (v[5] & 1 ? size + 1 : SZ_1M)) != CORBEL_OK)
            continue;
        placed++;
        v[3] %= v[3] & 1 ? size + 1 : SZ_2M;
        v[4] %= SZ_2M;
        v[5] %= v[5] & 1 ? size + 1 : SZ_1M;
        check_apart(spot.kernel, v[3], spot.dtb, v[4]);
        check_apart(spot.kernel, v[3], spot.ramdisk, v[5]);
        check_apart(spot.dtb, v[4], spot.ramdisk, v[5]);
        assert_true(spot.kernel >= bank && spot.kernel + v[3] <= bank + size);
        assert_true(spot.dtb >= bank && spot.dtb + v[4] <= bank + size);
        if (v[5])
            assert_true(spot.ramdisk >= bank && spot.ramdisk + v[5] <= bank + size);
        assert_true(IS_ALIGNED(spot.dtb, PAGE_SIZE) && IS_ALIGNED(spot.ramdisk, PAGE_SIZE));
        if (v[4])
            assert_int_equal(spot.dtb / SZ_2M, (spot.dtb + v[4] - 1) / SZ_2M);
        if (!info.fixed)
            assert_int_equal((spot.kernel - info.text_offset) % SZ_2M, 0);
    }
    assert_true(placed > 10000);
}

/* ---- several banks ---- */

static struct mem_range banks[BANKS_MAX];
static u32 bank_count;

static void set_banks(const struct mem_range *from, u32 count)
{
    memmove(banks, from, count * sizeof(*from));
    bank_count = count;
}

#define BANKS(...)                                       \
    set_banks((const struct mem_range[]){ __VA_ARGS__ }, \
              sizeof((const struct mem_range[]){ __VA_ARGS__ }) / sizeof(struct mem_range))

static enum corbel_err place_banks(u64 kernel, u64 dtb, u64 ramdisk)
{
    struct image_want want = { kernel, dtb, ramdisk, &info };

    return image_place_banks(banks, bank_count, &want, &spot, &why);
}

static bool in_one_bank(u64 base, u64 size)
{
    for (u32 i = 0; i < bank_count; i++)
        if (base >= banks[i].base && base + size <= banks[i].base + banks[i].size)
            return true;
    return false;
}

static void check_places(u64 kernel, u64 dtb, u64 ramdisk)
{
    check_apart(spot.kernel, kernel, spot.dtb, dtb);
    check_apart(spot.kernel, kernel, spot.ramdisk, ramdisk);
    check_apart(spot.dtb, dtb, spot.ramdisk, ramdisk);
    assert_true(in_one_bank(spot.kernel, kernel));
    assert_true(in_one_bank(spot.dtb, dtb));
    assert_true(!ramdisk || in_one_bank(spot.ramdisk, ramdisk));
    assert_true(IS_ALIGNED(spot.dtb, PAGE_SIZE) && IS_ALIGNED(spot.ramdisk, PAGE_SIZE));
    if (dtb)
        assert_int_equal(spot.dtb / SZ_2M, (spot.dtb + dtb - 1) / SZ_2M);
    if (!info.fixed)
        assert_int_equal((spot.kernel - info.text_offset) % SZ_2M, 0);
}

static int fresh(void **state)
{
    memset(&info, 0, sizeof(info));
    return 0;
}

/* As with one bank, in the first that is large enough; the smaller ones below are passed by. */
static void test_banks_first_that_holds_all(void **state)
{
    BANKS({ 0x40000000, SZ_2M }, { 0x50000000, 16 * SZ_1M }, { 0x60000000, SZ_1G },
          { 0x100000000, SZ_4G });
    assert_int_equal(place_banks(0x2230000, 0x3000, 0xf0cb3), CORBEL_OK);
    assert_int_equal(spot.kernel, 0x60000000);
    assert_int_equal(spot.dtb, 0x68000000);
    assert_int_equal(spot.ramdisk, 0x68200000);
    assert_int_equal(place_banks(SZ_1M, 0x3000, 0), CORBEL_OK);
    assert_int_equal(spot.kernel, 0x40000000);
    assert_int_equal(spot.dtb, 0x401fc000);
    assert_int_equal(spot.ramdisk, 0);
}

/* None holds it all: each goes where it fits, above the kernel before below it. */
static void test_banks_spread(void **state)
{
    BANKS({ 0x40000000, 8 * SZ_1M }, { 0x50000000, 40 * SZ_1M }, { 0x60000000, 48 * SZ_1M },
          { 0x70000000, 2 * SZ_1M });
    assert_int_equal(place_banks(39 * SZ_1M, SZ_1M + 1, 48 * SZ_1M), CORBEL_OK);
    assert_int_equal(spot.kernel, 0x50000000);
    assert_int_equal(spot.ramdisk, 0x60000000);
    assert_int_equal(spot.dtb, 0x70000000);
    check_places(39 * SZ_1M, SZ_1M + 1, 48 * SZ_1M);
    /* nothing left above: below */
    bank_count = 3;
    assert_int_equal(place_banks(39 * SZ_1M, SZ_1M + 1, 48 * SZ_1M), CORBEL_OK);
    assert_int_equal(spot.dtb, 0x40600000);
    /* a small tree finds the space behind the kernel */
    assert_int_equal(place_banks(39 * SZ_1M, 0x3000, 48 * SZ_1M), CORBEL_OK);
    assert_int_equal(spot.dtb, 0x40600000); /* alone in 2 MiB is better */
    set_banks(banks + 1, 2);
    assert_int_equal(place_banks(39 * SZ_1M, 0x3000, 48 * SZ_1M), CORBEL_OK);
    assert_int_equal(spot.dtb, 0x527fc000);
    /* one page more of ramdisk has no bank: it is never cut in two */
    assert_int_equal(place_banks(39 * SZ_1M, 0x3000, 48 * SZ_1M + 1), ERR_FORMAT);
    assert_string_equal(why, "room for kernel, device tree and ramdisk");
}

/* The first bank with room for the kernel leaves none for the ramdisk: the next one does. */
static void test_banks_later_kernel(void **state)
{
    BANKS({ 0x40000000, 64 * SZ_1M }, { 0x50000000, 40 * SZ_1M });
    assert_int_equal(place_banks(38 * SZ_1M, SZ_2M, 62 * SZ_1M), CORBEL_OK);
    assert_int_equal(spot.kernel, 0x50000000);
    check_places(38 * SZ_1M, SZ_2M, 62 * SZ_1M);
}

/* The tree must be taken first, else the ramdisk sits on the only aligned piece. */
static void test_banks_dtb_first(void **state)
{
    BANKS({ 0x40000000, SZ_2M }, { 0x50101000, 0x2ff000 });
    assert_int_equal(place_banks(SZ_2M, SZ_1M + 1, SZ_1M), ERR_FORMAT);
    BANKS({ 0x40000000, SZ_2M }, { 0x50100000, 0x300000 });
    assert_int_equal(place_banks(SZ_2M, SZ_1M + 1, SZ_1M), CORBEL_OK);
    check_places(SZ_2M, SZ_1M + 1, SZ_1M);
}

static void test_banks_tiny(void **state)
{
    BANKS({ 0x40001000, 0x1000 }, { 0x40201000, 0x1000 }, { 0x40400000, 0x1000 });
    assert_int_equal(place_banks(0x1000, 0x1000, 0x1000), CORBEL_OK);
    assert_int_equal(spot.kernel, 0x40400000);
    check_places(0x1000, 0x1000, 0x1000);
    bank_count = 2; /* neither has an aligned address for a kernel */
    assert_int_equal(place_banks(0x1000, 0x1000, 0), ERR_FORMAT);
    bank_count = 0;
    assert_int_equal(place_banks(0x1000, 0x1000, 0), ERR_FORMAT);
    assert_string_equal(why, "room for kernel, device tree and ramdisk");
}

static void test_banks_text_offset(void **state)
{
    info.text_offset = 0x80000;
    /* the first aligned address of the first bank plus text_offset is outside of it */
    BANKS({ 0x40180000, 0x100000 }, { 0x50001000, 0x1000000 });
    assert_int_equal(place_banks(0x300000, 0x3000, 0x1000), CORBEL_OK);
    assert_int_equal(spot.kernel, 0x50280000);
    check_places(0x300000, 0x3000, 0x1000);
}

static void test_banks_fixed(void **state)
{
    info.fixed = true;
    info.load_addr = 0x50080000;
    info.entry_offset = 0x40;
    BANKS({ 0x40000000, 8 * SZ_1M }, { 0x50000000, SZ_2M }, { 0x60000000, 8 * SZ_1M });
    assert_int_equal(place_banks(SZ_2M - 0x80000, SZ_2M, 6 * SZ_1M), CORBEL_OK);
    assert_int_equal(spot.kernel, 0x50080000);
    assert_int_equal(spot.entry, 0x50080040);
    assert_int_equal(spot.dtb, 0x60000000);
    check_places(SZ_2M - 0x80000, SZ_2M, 6 * SZ_1M);
    /* over the end of its bank */
    assert_int_equal(place_banks(SZ_2M, 0x1000, 0), ERR_FORMAT);
    assert_string_equal(why, "room for kernel, device tree and ramdisk");
    info.load_addr = 0x4fff0000; /* and not across its beginning */
    assert_int_equal(place_banks(SZ_1M, 0x1000, 0), ERR_FORMAT);
    assert_string_equal(why, "RAM at the kernel's load address");
}

static void test_banks_refusals(void **state)
{
    BANKS({ 0x40000000, SZ_1G }, { 0x100000000, SZ_1G });
    assert_int_equal(place_banks(SZ_1M, SZ_2M, 0), CORBEL_OK);
    assert_int_equal(place_banks(SZ_1M, SZ_2M + 1, 0), ERR_FORMAT);
    assert_string_equal(why, "a device tree of at most 2 MiB");
    assert_int_equal(place_banks(~0ull, 1, 0), ERR_FORMAT);
    assert_int_equal(place_banks(1, 1, ~0ull), ERR_FORMAT);
    info.entry_offset = 1;
    assert_int_equal(place_banks(1, 1, 0), ERR_FORMAT);
    assert_string_equal(why, "an entry point inside the kernel");
}

/* 33 banks of two pages in a row of holes, and sizes at random: what is placed is right. */
static void test_banks_random(void **state)
{
    u32 seed = 23, placed = 0, spread = 0;

    for (u32 round = 0; round < 20000; round++) {
        u64 at = 0x40000000, v[4];

        bank_count = 1 + round % BANKS_MAX;
        for (u32 i = 0; i < bank_count; i++) {
            seed = seed * 1664525 + 1013904223;
            at = ALIGN_UP(at + (seed >> 8) % (3 * SZ_1M) + PAGE_SIZE, PAGE_SIZE);
            banks[i].base = at;
            seed = seed * 1664525 + 1013904223;
            banks[i].size = ALIGN_UP((u64)(seed >> 8) % (8 * SZ_1M) + 1, PAGE_SIZE);
            at += banks[i].size;
        }
        for (u32 i = 0; i < 4; i++) {
            seed = seed * 1664525 + 1013904223;
            v[i] = seed >> 8;
        }
        memset(&info, 0, sizeof(info));
        info.text_offset = v[3] & 1 ? 0x80000 : 0;
        info.fixed = v[3] % 5 == 0;
        info.load_addr = banks[v[3] % bank_count].base + (v[3] & 0xff000);
        v[0] = 1 + v[0] % (6 * SZ_1M);
        v[1] = 1 + v[1] % SZ_2M;
        v[2] %= 7 * SZ_1M;
        if (place_banks(v[0], v[1], v[2]) != CORBEL_OK)
            continue;
        placed++;
        spread += v[2] && (spot.ramdisk > spot.kernel + 8 * SZ_1M || spot.ramdisk < spot.kernel);
        check_places(v[0], v[1], v[2]);
    }
    assert_true(placed > 5000 && spread > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_place_as_xen_does),
        cmocka_unit_test(test_place_in_small_ram),
        cmocka_unit_test(test_place_unaligned_bank),
        cmocka_unit_test(test_place_to_the_last_page),
        cmocka_unit_test(test_place_fixed),
        cmocka_unit_test(test_place_absurd_sizes),
        cmocka_unit_test(test_place_never_overlaps),
        cmocka_unit_test_setup(test_banks_first_that_holds_all, fresh),
        cmocka_unit_test_setup(test_banks_spread, fresh),
        cmocka_unit_test_setup(test_banks_later_kernel, fresh),
        cmocka_unit_test_setup(test_banks_dtb_first, fresh),
        cmocka_unit_test_setup(test_banks_tiny, fresh),
        cmocka_unit_test_setup(test_banks_text_offset, fresh),
        cmocka_unit_test_setup(test_banks_fixed, fresh),
        cmocka_unit_test_setup(test_banks_refusals, fresh),
        cmocka_unit_test_setup(test_banks_random, fresh),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
