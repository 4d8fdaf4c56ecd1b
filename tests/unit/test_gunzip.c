/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gunzip against streams of the host's gzip(1): pieces of every size, and every
 * way to be broken. The work area and all pieces are heap blocks of exact size, so
 * that the sanitizer sees each byte too far.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <corbel/bits.h>
#include <corbel/gunzip.h>

#define BIG_SIZE 1500000u

static u8 big[BIG_SIZE];
static u8 packed[BIG_SIZE + 4096];
static size_t packed_size;
static void *work;

/* Words and runs, so that matches of all lengths and distances occur. */
static void fill(u8 *data, size_t size)
{
    u32 seed = 5;

    for (size_t i = 0; i < size; i++) {
        seed = seed * 1664525 + 1013904223;
        if (i > 70 && seed >> 30)
            data[i] = data[i - 1 - (seed >> 24) % 64];
        else if (i > 32768 && seed >> 29)
            data[i] = data[i - 32768];
        else
            data[i] = (u8)(seed >> 16);
    }
}

static void gzip_host(const u8 *data, size_t size, int level)
{
    char path[] = "/tmp/corbel-gunzip-XXXXXX";
    char command[64];
    int fd = mkstemp(path);
    FILE *pipe;

    assert_true(fd >= 0);
    assert_int_equal(write(fd, data, size), size);
    close(fd);
    snprintf(command, sizeof(command), "gzip -n -%d -c %s", level, path);
    pipe = popen(command, "r");
    assert_non_null(pipe);
    packed_size = fread(packed, 1, sizeof(packed), pipe);
    assert_int_equal(pclose(pipe), 0);
    unlink(path);
}

static int setup(void **state)
{
    fill(big, sizeof(big));
    work = aligned_alloc(16, GUNZIP_WORK_SIZE);
    return work ? 0 : -1;
}

static int teardown(void **state)
{
    free(work);
    return 0;
}

/* Unpack the first size bytes of packed in pieces; *produced bytes equal those of big. */
static enum corbel_err unpack(size_t size, size_t in_piece, size_t out_piece, size_t *produced)
{
    struct gunzip *g = gunzip_start(work);
    u8 *in = malloc(in_piece), *out = malloc(out_piece);
    enum corbel_err err = ERR_AGAIN;
    size_t fed = 0;

    *produced = 0;
    while (err == ERR_AGAIN) {
        struct gunzip_io io = { in, MIN(in_piece, size - fed), out, out_piece };
        size_t offered = io.in_len, got;

        memcpy(in, packed + fed, offered);
        err = gunzip_step(g, &io);
        got = out_piece - io.out_len;
        assert_ptr_equal(io.in, in + (offered - io.in_len));
        assert_ptr_equal(io.out, out + got);
        assert_true(*produced + got <= sizeof(big));
        assert_memory_equal(out, big + *produced, got);
        *produced += got;
        fed += offered - io.in_len;
        if (!got && fed == size)
            break;
    }
    free(in);
    free(out);
    return err;
}

static void test_pieces_of_every_size(void **state)
{
    size_t produced;

    gzip_host(big, 3000, 9);
    for (size_t in = 1; in <= packed_size + 1; in++)
        for (size_t out = 1; out <= 3001; out = out * 3 + 1) {
            assert_int_equal(unpack(packed_size, in, out, &produced), CORBEL_OK);
            assert_int_equal(produced, 3000);
        }
    for (size_t out = 1; out <= 3001; out++) {
        assert_int_equal(unpack(packed_size, 777, out, &produced), CORBEL_OK);
        assert_int_equal(produced, 3000);
    }
}

static void test_large_streams(void **state)
{
    size_t produced;

    for (int level = 1; level <= 9; level += 4) {
        gzip_host(big, sizeof(big), level);
        assert_int_equal(unpack(packed_size, 65536, 2 * SZ_1M, &produced), CORBEL_OK);
        assert_int_equal(produced, sizeof(big));
        assert_int_equal(unpack(packed_size, 4093, 5003, &produced), CORBEL_OK);
        assert_int_equal(produced, sizeof(big));
    }
}

static void test_empty_file(void **state)
{
    size_t produced;

    gzip_host(big, 0, 6);
    assert_int_equal(unpack(packed_size, 1, 1, &produced), CORBEL_OK);
    assert_int_equal(produced, 0);
}

static void test_bytes_behind_the_end_stay(void **state)
{
    struct gunzip *g = gunzip_start(work);
    u8 out[3000];
    struct gunzip_io io = { packed, 0, out, sizeof(out) };

    gzip_host(big, 3000, 6);
    memset(packed + packed_size, 0x1f, 100);
    io.in_len = packed_size + 100;
    assert_int_equal(gunzip_step(g, &io), CORBEL_OK);
    assert_int_equal(io.in_len, 100);
    assert_int_equal(gunzip_step(g, &io), CORBEL_OK); /* and it stays at its end */
    assert_int_equal(io.in_len, 100);
}

static void test_without_room(void **state)
{
    struct gunzip *g = gunzip_start(work);
    struct gunzip_io io = { packed, 0, NULL, 0 };

    gzip_host(big, 3000, 6);
    assert_int_equal(gunzip_step(g, &io), ERR_AGAIN);
    io.in_len = packed_size;
    assert_int_equal(gunzip_step(g, &io), ERR_AGAIN);
}

static void test_truncated(void **state)
{
    size_t produced;

    gzip_host(big, 3000, 6);
    for (size_t size = 0; size < packed_size; size++)
        assert_int_equal(unpack(size, 100, 100, &produced), ERR_AGAIN);
}

static void test_bad_trailer(void **state)
{
    size_t produced;

    gzip_host(big, 3000, 6);
    packed[packed_size - 8] ^= 1; /* CRC */
    assert_int_equal(unpack(packed_size, 100, 100, &produced), ERR_FORMAT);
    packed[packed_size - 8] ^= 1;
    packed[packed_size - 4] ^= 1; /* length */
    assert_int_equal(unpack(packed_size, 100, 100, &produced), ERR_FORMAT);
}

static void test_bad_header(void **state)
{
    size_t produced;

    gzip_host(big, 3000, 6);
    packed[0] = 0x1e;
    assert_int_equal(unpack(packed_size, 100, 100, &produced), ERR_FORMAT);
    memcpy(packed, "\x78\x9c", 2); /* zlib's own format is not gzip */
    assert_int_equal(unpack(packed_size, 100, 100, &produced), ERR_FORMAT);
}

/* One damaged byte anywhere in the data is noticed, by the code or by the CRC. */
static void test_damage_anywhere(void **state)
{
    u8 *out = malloc(4096);

    for (size_t at = 10; at < 1200; at++) {
        struct gunzip *g = gunzip_start(work);
        enum corbel_err err = ERR_AGAIN;
        struct gunzip_io io = { packed, 0, out, 4096 };

        if (at == 10)
            gzip_host(big, 3000, 9);
        if (at >= packed_size)
            break;
        packed[at] ^= 0x55;
        io.in_len = packed_size;
        while (err == ERR_AGAIN && io.in_len) {
            io.out = out;
            io.out_len = 4096;
            err = gunzip_step(g, &io);
        }
        assert_int_not_equal(err, CORBEL_OK);
        if (err == ERR_FORMAT) /* and it stays broken */
            assert_int_equal(gunzip_step(g, &io), ERR_FORMAT);
        packed[at] ^= 0x55;
    }
    free(out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pieces_of_every_size),
        cmocka_unit_test(test_large_streams),
        cmocka_unit_test(test_empty_file),
        cmocka_unit_test(test_bytes_behind_the_end_stay),
        cmocka_unit_test(test_without_room),
        cmocka_unit_test(test_truncated),
        cmocka_unit_test(test_bad_trailer),
        cmocka_unit_test(test_bad_header),
        cmocka_unit_test(test_damage_anywhere),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
