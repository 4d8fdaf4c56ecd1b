/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The writer: what it wrote reads back, every buffer that is too small gives one
 * sticky error, and the mistakes of a caller are refused with the node's name.
 */
#include "tree.h"

#include <corbel/fdt_read.h>
#include <corbel/fdt_write.h>

static u8 room[8192] __attribute__((aligned(8)));
static struct fdtw w;
static u32 total;

static void write_guest(struct fdtw *out, void *buf, u32 size)
{
    static const u64 reg[] = { 0x40000000, 0x10000000, 0x200000000ull, 0x1000 };
    static const u32 interrupts[] = { 1, 13, 0xf08, 1, 14, 0xf08 };

    fdtw_begin(out, buf, size);
    fdtw_node(out, "");
    fdtw_u32(out, "#address-cells", 2);
    fdtw_u32(out, "#size-cells", 2);
    fdtw_node(out, "chosen");
    fdtw_string(out, "bootargs", "console=ttyAMA0");
    fdtw_u64(out, "kaslr-seed", 0x0123456789abcdefull);
    fdtw_bytes(out, "rng-seed", "\1\2\3", 3);
    fdtw_end_node(out);
    fdtw_node_at(out, "memory", 0x40000000);
    fdtw_reg(out, reg, 2);
    fdtw_end_node(out);
    fdtw_node_at(out, "timer", 0xabcdef0123456789ull);
    fdtw_cells(out, "interrupts", interrupts, 6);
    fdtw_empty(out, "always-on");
    fdtw_bytes(out, "nothing", NULL, 0);
    fdtw_end_node(out);
    fdtw_end_node(out);
}

static void what_was_written_reads_back(void **state)
{
    const char *text;
    u64 base;
    u64 size;
    u32 len;
    u32 value;
    int at;

    write_guest(&w, room, sizeof(room));
    assert_int_equal(fdtw_finish(&w, &total), CORBEL_OK);
    assert_true(total < sizeof(room));
    assert_int_equal(fdtr_check(room, total), CORBEL_OK);

    at = fdtr_path(room, "/chosen");
    assert_int_equal(fdtr_string(room, at, "bootargs", &text), CORBEL_OK);
    assert_string_equal(text, "console=ttyAMA0");
    assert_int_equal(fdtr_u64(room, at, "kaslr-seed", &base), CORBEL_OK);
    assert_true(base == 0x0123456789abcdefull);
    assert_memory_equal(fdtr_prop(room, at, "rng-seed", &len), "\1\2\3", 3);
    assert_int_equal(len, 3);

    at = fdtr_path(room, "/memory@40000000");
    assert_int_equal(fdtr_reg(room, at, 1, &base, &size), CORBEL_OK);
    assert_true(base == 0x200000000ull && size == 0x1000);

    at = fdtr_path(room, "/timer@abcdef0123456789");
    assert_int_equal(fdtr_cell(room, at, "interrupts", 5, &value), CORBEL_OK);
    assert_int_equal(value, 0xf08);
    assert_true(fdtr_has(room, at, "always-on"));
    assert_non_null(fdtr_prop(room, at, "nothing", &len));
    assert_int_equal(len, 0);
}

static void every_short_buffer_is_one_error(void **state)
{
    u32 needed = 0;
    u32 size;

    for (size = 0; size < 4096; size += 4) {
        void *buf = malloc(size ? size : 1);

        total = 77;
        write_guest(&w, buf, size);
        if (fdtw_finish(&w, &total) == CORBEL_OK) {
            needed = needed ? needed : size;
            assert_int_equal(fdtr_check(buf, total), CORBEL_OK);
        } else {
            assert_int_equal(needed, 0);
            assert_int_equal(total, 77);
            assert_int_equal(fdtw_finish(&w, &total), ERR_NOMEM);
            assert_true(w.failed_at[0] == '/');
        }
        free(buf);
    }
    assert_true(needed > 300);
}

static void the_first_failure_is_named(void **state)
{
    u8 small[256] __attribute__((aligned(8)));

    fdtw_begin(&w, small, sizeof(small));
    fdtw_node(&w, "");
    fdtw_node(&w, "chosen");
    fdtw_node_at(&w, "module", 0x42);
    fdtw_bytes(&w, "big", room, 250);
    assert_string_equal(w.failed_at, "/chosen/module@42");
    fdtw_end_node(&w);
    fdtw_end_node(&w);
    fdtw_node(&w, "other");
    fdtw_u32(&w, "x", 1);
    fdtw_end_node(&w);
    fdtw_end_node(&w);
    assert_int_equal(fdtw_finish(&w, &total), ERR_NOMEM);
    assert_string_equal(w.failed_at, "/chosen/module@42");
}

/* Run body between an open root and finish; the result must be ERR_INVAL. */
#define REFUSED(body)                                         \
    do {                                                      \
        fdtw_begin(&w, room, sizeof(room));                   \
        fdtw_node(&w, "");                                    \
        body;                                                 \
        fdtw_end_node(&w);                                    \
        assert_int_equal(fdtw_finish(&w, &total), ERR_INVAL); \
    } while (0)

static void mistakes_of_the_caller(void **state)
{
    char name[80];

    memset(name, 'n', sizeof(name));
    name[sizeof(name) - 1] = '\0';

    REFUSED(fdtw_node(&w, "open"));
    REFUSED(fdtw_end_node(&w));
    REFUSED(fdtw_node(&w, ""));
    REFUSED(fdtw_node(&w, "a/b"));
    REFUSED(fdtw_node_at(&w, name, 1));
    REFUSED(fdtw_bytes(&w, "huge", room, 0x80000000u));
    REFUSED(fdtw_cells(&w, "huge", (const u32 *)room, 0x40000001u));

    fdtw_begin(&w, room, sizeof(room));
    assert_int_equal(fdtw_finish(&w, &total), ERR_INVAL); /* no root at all */
    fdtw_begin(&w, room, sizeof(room));
    fdtw_node(&w, "named");
    assert_int_equal(fdtw_finish(&w, &total), ERR_INVAL);
    fdtw_begin(&w, room, sizeof(room));
    fdtw_node(&w, "");
    fdtw_end_node(&w);
    fdtw_node(&w, ""); /* a second root */
    fdtw_end_node(&w);
    assert_int_equal(fdtw_finish(&w, &total), ERR_INVAL);
    fdtw_begin(&w, room, sizeof(room));
    fdtw_u32(&w, "early", 1);
    assert_int_equal(fdtw_finish(&w, &total), ERR_INVAL);
    fdtw_begin(&w, room, 0x80000000u);
    assert_int_equal(fdtw_finish(&w, &total), ERR_INVAL);
}

static void depth_is_bounded(void **state)
{
    u32 i;

    fdtw_begin(&w, room, sizeof(room));
    fdtw_node(&w, "");
    for (i = 1; i < FDTW_DEPTH_MAX; i++)
        fdtw_node(&w, "n");
    for (i = 0; i < FDTW_DEPTH_MAX; i++)
        fdtw_end_node(&w);
    assert_int_equal(fdtw_finish(&w, &total), CORBEL_OK);

    fdtw_begin(&w, room, sizeof(room));
    fdtw_node(&w, "");
    for (i = 1; i <= FDTW_DEPTH_MAX; i++)
        fdtw_node(&w, "n");
    assert_int_equal(w.depth, FDTW_DEPTH_MAX);
    assert_int_equal(fdtw_finish(&w, &total), ERR_INVAL);
}

/* The path that is kept for messages is cut, but leaving a node always fits entering it. */
static void long_names_do_not_confuse_the_path(void **state)
{
    static const char name[] = "a-name-that-is-as-long-as-names-get@00";
    u32 i;

    fdtw_begin(&w, room, sizeof(room));
    fdtw_node(&w, "");
    fdtw_node(&w, "first");
    for (i = 2; i < FDTW_DEPTH_MAX; i++) {
        fdtw_node(&w, name);
        assert_true(strlen(w.node) < sizeof(w.node));
    }
    for (i = 2; i < FDTW_DEPTH_MAX; i++)
        fdtw_end_node(&w);
    assert_string_equal(w.node, "/first");
    fdtw_end_node(&w);
    assert_string_equal(w.node, "");
    fdtw_end_node(&w);
    assert_int_equal(fdtw_finish(&w, &total), CORBEL_OK);
    assert_int_equal(fdtr_check(room, total), CORBEL_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_written_reads_back),
        cmocka_unit_test(every_short_buffer_is_one_error),
        cmocka_unit_test(the_first_failure_is_named),
        cmocka_unit_test(mistakes_of_the_caller),
        cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(long_names_do_not_confuse_the_path),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
