/* SPDX-License-Identifier: Apache-2.0 */
/* Kernel formats, each way to be wrong, and placement that never overlaps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <corbel/bits.h>
#include <corbel/image.h>

static u8 head[IMAGE_PROBE_SIZE];
static struct image_info info;
static const char *why;

static void put_le(u32 at, u64 value, u32 bytes)
{
    for (u32 i = 0; i < bytes; i++)
        head[at + i] = (u8)(value >> (8 * i));
}

static void put_be32(u32 at, u32 value)
{
    for (u32 i = 0; i < 4; i++)
        head[at + i] = (u8)(value >> (24 - 8 * i));
}

/* An Image as Linux builds it; start: where in head. */
static void make_image(u32 start, u64 text_offset, u64 image_size)
{
    put_le(start + 8, text_offset, 8);
    put_le(start + 16, image_size, 8);
    put_le(start + 24, 0xa, 8);
    put_le(start + 56, 0x644d5241, 4);
}

/* PE header at 64 with two sections, as the EFI stub has it. */
static void make_pe(u32 raw_end)
{
    memcpy(head, "MZ", 2);
    put_le(60, 64, 4);
    memcpy(head + 64, "PE\0\0", 4);
    put_le(64 + 4, 0xaa64, 2);
    put_le(64 + 6, 2, 2);
    put_le(64 + 20, 160, 2);
    put_le(248 + 16, 0x10000, 4);
    put_le(248 + 20, 0x10000, 4);
    put_le(288 + 16, raw_end - 0x20000, 4);
    put_le(288 + 20, 0x20000, 4);
}

static u32 crc_of(const u8 *data, u32 len)
{
    u32 crc = ~0u;

    for (u32 i = 0; i < len; i++) {
        crc ^= data[i];
        for (u32 bit = 0; bit < 8; bit++)
            crc = (crc >> 1) ^ (0xedb88320u & (0u - (crc & 1)));
    }
    return ~crc;
}

static void make_uimage(u32 size, u32 load, u32 entry, u8 arch, u8 comp)
{
    memset(head, 0, sizeof(head));
    put_be32(0, 0x27051956);
    put_be32(12, size);
    put_be32(16, load);
    put_be32(20, entry);
    head[28] = 5;
    head[29] = arch;
    head[30] = 2;
    head[31] = comp;
    strcpy((char *)head + 32, "kernel");
    put_be32(4, crc_of(head, 64));
}

static int start(void **state)
{
    memset(head, 0, sizeof(head));
    memset(&info, 0xff, sizeof(info));
    return 0;
}

static enum corbel_err probe(u64 module_size)
{
    return image_probe(head, sizeof(head), module_size, &info, &why);
}

static void check_refused(u64 module_size, const char *reason)
{
    assert_int_equal(probe(module_size), ERR_FORMAT);
    assert_string_equal(why, reason);
}

static void test_image(void **state)
{
    make_image(0, 0, 0x2230000);
    assert_int_equal(probe(0x21387c0), CORBEL_OK);
    assert_int_equal(info.format, IMAGE_RAW_ARM64);
    assert_false(info.uimage);
    assert_false(info.fixed);
    assert_int_equal(info.skip, 0);
    assert_int_equal(info.size, 0x21387c0);
    assert_int_equal(info.mem_size, 0x2230000);
    assert_int_equal(info.text_offset, 0);
    assert_int_equal(info.entry_offset, 0);
    put_le(24, 0xb, 8); /* a big-endian kernel starts the same way */
    assert_int_equal(probe(0x21387c0), CORBEL_OK);
}

/* reg may be larger than the image: the rest is not copied. */
static void test_image_in_a_larger_module(void **state)
{
    make_image(0, 0x80000, 0x100000);
    assert_int_equal(probe(0x200000), CORBEL_OK);
    assert_int_equal(info.size, 0x100000);
    assert_int_equal(info.mem_size, 0x100000);
    assert_int_equal(info.text_offset, 0x80000);
}

static void test_old_image(void **state)
{
    make_image(0, 0x1234, 0);
    assert_int_equal(probe(0x100000), CORBEL_OK);
    assert_int_equal(info.text_offset, 0x80000);
    assert_int_equal(info.mem_size, 0x100000);
}

static void test_truncated_images(void **state)
{
    check_refused(63, "truncated: shorter than 64 bytes");
    check_refused(0, "truncated: shorter than 64 bytes");
    make_image(0, 0, 0x2230000);
    make_pe(0x2138200);
    assert_int_equal(probe(0x2138200), CORBEL_OK);
    assert_int_equal(probe(0x2230000), CORBEL_OK);
    check_refused(0x21381ff, "truncated: its PE sections end behind the module");
    check_refused(0x100000, "truncated: its PE sections end behind the module");
    put_le(64 + 4, 0x8664, 2); /* not an arm64 PE: nothing can be said */
    assert_int_equal(probe(0x100000), CORBEL_OK);
}

static void test_bad_headers(void **state)
{
    make_image(0, 0, BIT(40) + 1);
    check_refused(0x100000, "its header has an image_size or text_offset beyond 1 TiB");
    make_image(0, ~0ull, 0x1000);
    check_refused(0x100000, "its header has an image_size or text_offset beyond 1 TiB");
    make_image(0, 0x80, 0x1000);
    check_refused(0x100000, "its text_offset is not a multiple of 4 KiB");
}

static void test_strangers(void **state)
{
    static const struct {
        u32 at, magic;
        const char *reason;
    } list[] = {
        { 0, 0x464c457f, "an ELF file: give its Image" },
        { 0, 0xedfe0dd0, "a device tree or FIT: give the Image inside" },
        { 4, 0x676d697a, "an EFI zboot file: give the Image inside" },
        { 36, 0x016f2818, "a 32-bit zImage: guests are 64-bit" },
        { 0, 0xfd2fb528, "zstd data: only gzip is unpacked" },
        { 0, 0x587a37fd, "xz data: only gzip is unpacked" },
        { 0, 0x184d2204, "LZ4 data: only gzip is unpacked" },
        { 0, 0x184c2102, "LZ4 data: only gzip is unpacked" },
        { 0, 0x12345678, "no arm64 Image, gzip or uImage header" },
    };

    for (u32 i = 0; i < ARRAY_SIZE(list); i++) {
        memset(head, 0, sizeof(head));
        put_le(list[i].at, list[i].magic, 4);
        check_refused(0x100000, list[i].reason);
    }
}

static void test_gzip(void **state)
{
    memcpy(head, "\x1f\x8b\x08", 3);
    assert_int_equal(probe(0x100000), CORBEL_OK);
    assert_int_equal(info.format, IMAGE_GZIP);
    assert_int_equal(info.size, 0x100000);
    assert_int_equal(info.mem_size, 0);
}

static void test_uimage_of_an_image(void **state)
{
    make_uimage(0x100000, 0, 0, 22, 0);
    make_image(64, 0x80000, 0x180000);
    assert_int_equal(probe(0x100040), CORBEL_OK);
    assert_true(info.uimage);
    assert_false(info.fixed);
    assert_int_equal(info.format, IMAGE_RAW_ARM64);
    assert_int_equal(info.skip, 64);
    assert_int_equal(info.size, 0x100000);
    assert_int_equal(info.mem_size, 0x180000);
    assert_int_equal(info.text_offset, 0x80000);

    make_uimage(0x100000, 0x40400000, 0x40400010, 2, 0);
    make_image(64, 0x80000, 0x180000);
    assert_int_equal(probe(0x200000), CORBEL_OK);
    assert_true(info.fixed);
    assert_int_equal(info.load_addr, 0x40400000);
    assert_int_equal(info.entry_offset, 0x10);
}

static void test_uimage_of_other_payloads(void **state)
{
    make_uimage(0x1000, 0x40000000, 0x40000ffc, 22, 0);
    assert_int_equal(probe(0x1040), CORBEL_OK);
    assert_int_equal(info.mem_size, 0x1000);
    assert_int_equal(info.entry_offset, 0xffc);

    make_uimage(0x1000, 0x40000000, 0x40100000, 22, 1);
    memcpy(head + 64, "\x1f\x8b\x08", 3);
    assert_int_equal(probe(0x1040), CORBEL_OK);
    assert_int_equal(info.format, IMAGE_GZIP);
    assert_int_equal(info.size, 0x1000);
    assert_int_equal(info.entry_offset, 0x100000);
}

static void test_bad_uimages(void **state)
{
    make_uimage(0x1000, 0, 0, 22, 0);
    check_refused(0x103f, "truncated: its uImage payload ends behind the module");
    head[40] ^= 1;
    check_refused(0x2000, "its uImage header has a wrong CRC");
    make_uimage(0, 0, 0, 22, 0);
    check_refused(0x2000, "truncated: its uImage payload ends behind the module");
    make_uimage(0x1000, 0, 0, 7, 0);
    check_refused(0x2000, "its uImage header is for another architecture");
    make_uimage(0x1000, 0, 0, 22, 3);
    check_refused(0x2000, "its uImage compression is neither none nor gzip");
    make_uimage(0x1000, 0, 0, 22, 1);
    check_refused(0x2000, "its uImage header says gzip, its payload is none");
    make_uimage(10, 0, 0, 22, 1);
    memcpy(head + 64, "\x1f\x8b\x08", 3);
    check_refused(0x2000, "truncated: too short for gzip");
    make_uimage(0x1000, 0x40000000, 0x3fffffff, 22, 0);
    check_refused(0x2000, "its uImage entry point is outside the kernel");
    make_uimage(0x1000, 0x40000000, 0x40001000, 22, 0);
    check_refused(0x2000, "its uImage entry point is outside the kernel");
}

/* Random headers of random length, in a buffer of just that length: the sanitizer watches. */
static void test_random_headers(void **state)
{
    u32 seed = 3;

    for (u32 round = 0; round < 50000; round++) {
        u32 len;
        u8 *copy;

        seed = seed * 1664525 + 1013904223;
        len = (seed >> 8) % sizeof(head);
        if (round % 3 == 0) {
            make_image(0, 0, 0x100000);
            make_pe(0x90000);
        } else if (round % 3 == 1) {
            make_uimage(0x1000, 0, 0, 22, round & 1);
        }
        head[(seed >> 16) % 128] = (u8)(seed >> 24);
        copy = malloc(len + 1);
        memcpy(copy, head, len);
        (void)!image_probe(copy, len, len + (seed & 0xffff), &info, &why);
        free(copy);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_image, start),
        cmocka_unit_test_setup(test_image_in_a_larger_module, start),
        cmocka_unit_test_setup(test_old_image, start),
        cmocka_unit_test_setup(test_truncated_images, start),
        cmocka_unit_test_setup(test_bad_headers, start),
        cmocka_unit_test_setup(test_strangers, start),
        cmocka_unit_test_setup(test_gzip, start),
        cmocka_unit_test_setup(test_uimage_of_an_image, start),
        cmocka_unit_test_setup(test_uimage_of_other_payloads, start),
        cmocka_unit_test_setup(test_bad_uimages, start),
        cmocka_unit_test_setup(test_random_headers, start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
