/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The typed readers: what they give for good trees, and the exact error for
 * each way in which a property, a path or a whole blob can be wrong.
 */
#include "tree.h"

#include <corbel/bits.h>
#include <corbel/fdt_read.h>

static const void *fdt;

static int at(const char *path)
{
    int found = fdtr_path(fdt, path);

    assert_true(found >= 0);
    return found;
}

static void small_tree(void)
{
    tree_begin();
    cells("#address-cells", 2);
    cells("#size-cells", 2);
    node("aliases");
    list("serial0", "/soc/uart@1000");
    list("loop", "loop");
    raw("unended", "/soc");
    list("soc", "/soc");
    end();
    node("soc");
    node("uart@1000");
    cells("phandle", 7);
    node("child");
    cells("linux,phandle", 9);
    end();
    end();
    node("uart@2000");
    cells("phandle", 0xffffffff);
    end();
    end();
    node("last");
    list("phandle", "wrong");
    end();
    tree_end();
    fdt = tree_take();
}

/* ---- the blob ---- */

static void good_blob_is_accepted(void **state)
{
    small_tree();
    assert_int_equal(fdtr_check(fdt, fdt_totalsize(fdt)), CORBEL_OK);
    assert_int_equal(fdtr_check(fdt, fdt_totalsize(fdt) + 4096), CORBEL_OK);
    assert_int_equal(fdtr_total_size(fdt), fdt_totalsize(fdt));
}

static void bad_blobs_are_refused(void **state)
{
    u8 *blob;
    u32 size;

    small_tree();
    blob = tree_taken;
    size = fdt_totalsize(blob);
    assert_int_equal(fdtr_check(NULL, size), ERR_FORMAT);
    assert_int_equal(fdtr_check(blob + 4, size - 4), ERR_FORMAT);
    assert_int_equal(fdtr_check(blob, size - 1), ERR_FORMAT);
    assert_int_equal(fdtr_check(blob, 39), ERR_FORMAT);
    assert_int_equal(fdtr_check(blob, 0), ERR_FORMAT);

    fdt_set_magic(blob, 0x14000000);
    assert_int_equal(fdtr_check(blob, size), ERR_FORMAT);
    fdt_set_magic(blob, FDT_MAGIC);
    fdt_set_version(blob, 3);
    assert_int_equal(fdtr_check(blob, size), ERR_FORMAT);
    fdt_set_version(blob, 17);
    fdt_set_off_mem_rsvmap(blob, fdt_off_mem_rsvmap(blob) + 4);
    assert_int_equal(fdtr_check(blob, size), ERR_FORMAT);
    fdt_set_off_mem_rsvmap(blob, fdt_off_mem_rsvmap(blob) - 4);
    fdt_set_off_dt_struct(blob, fdt_off_dt_struct(blob) + 2);
    assert_int_equal(fdtr_check(blob, size), ERR_FORMAT);
    fdt_set_off_dt_struct(blob, size);
    assert_int_equal(fdtr_check(blob, size), ERR_FORMAT);
}

static void bad_structure_is_refused(void **state)
{
    u8 *blob;
    u32 size;
    u32 structure;

    small_tree();
    blob = tree_taken;
    size = fdt_totalsize(blob);
    structure = fdt_off_dt_struct(blob);
    blob[structure + fdt_size_dt_struct(blob) - 1] = 1; /* FDT_END becomes a node */
    assert_int_equal(fdtr_check(blob, size), ERR_FORMAT);

    small_tree();
    blob = tree_taken;
    blob[structure + 3] = 2; /* ends a node before one began */
    assert_int_equal(fdtr_check(blob, size), ERR_FORMAT);

    small_tree();
    blob = tree_taken;
    memset(blob + structure + 8 + 4, 0x7f, 4); /* length of the first property */
    assert_int_equal(fdtr_check(blob, size), ERR_FORMAT);
}

/* ---- walking ---- */

static void paths_and_aliases(void **state)
{
    small_tree();
    assert_int_equal(fdtr_path(fdt, "/"), 0);
    assert_string_equal(fdtr_name(fdt, at("/soc/uart@1000/child")), "child");
    assert_string_equal(fdtr_name(fdt, at("//soc//uart@2000/")), "uart@2000");
    assert_int_equal(at("serial0"), at("/soc/uart@1000"));
    assert_int_equal(at("serial0/child"), at("/soc/uart@1000/child"));
    assert_int_equal(at("soc/uart@2000"), at("/soc/uart@2000"));
    assert_int_equal(at("/soc/uart"), at("/soc/uart@1000"));
    assert_true(fdtr_path(fdt, "/soc/none") < 0);
    assert_true(fdtr_path(fdt, "none") < 0);
    assert_true(fdtr_path(fdt, "") < 0);
    assert_true(fdtr_path(fdt, "loop") < 0);
    assert_true(fdtr_path(fdt, "unended") < 0);
    assert_true(fdtr_path(fdt, "serial0/none/child") < 0);

    tree_begin();
    tree_end();
    fdt = tree_take();
    assert_true(fdtr_path(fdt, "serial0") < 0);
}

static void children_and_parents(void **state)
{
    int soc;

    small_tree();
    soc = at("/soc");
    assert_int_equal(fdtr_first_child(fdt, soc), at("/soc/uart@1000"));
    assert_int_equal(fdtr_next_child(fdt, at("/soc/uart@1000")), at("/soc/uart@2000"));
    assert_int_equal(fdtr_next_child(fdt, at("/soc/uart@2000")), -1);
    assert_int_equal(fdtr_first_child(fdt, at("/last")), -1);
    assert_int_equal(fdtr_child(fdt, soc, "uart@2000"), at("/soc/uart@2000"));
    assert_int_equal(fdtr_child(fdt, soc, "none"), -1);
    assert_int_equal(fdtr_parent(fdt, at("/soc/uart@1000/child")), at("/soc/uart@1000"));
    assert_int_equal(fdtr_parent(fdt, soc), 0);
    assert_int_equal(fdtr_parent(fdt, 0), -1);
    assert_int_equal(fdtr_parent(fdt, -1), -1);
    assert_int_equal(fdtr_parent(fdt, soc + 4), -1);
    assert_int_equal(fdtr_parent(fdt, 0x10000), -1);
}

static void walk_is_in_tree_order(void **state)
{
    static const char *const names[] = { "",      "aliases",   "soc", "uart@1000",
                                         "child", "uart@2000", "last" };
    static const int depths[] = { 0, 1, 1, 2, 3, 2, 1 };
    int depth = -1;
    int found = -1;
    u32 i;

    small_tree();
    for (i = 0; i < ARRAY_SIZE(names); i++) {
        found = fdtr_next_node(fdt, found, &depth);
        assert_true(found >= 0);
        assert_string_equal(fdtr_name(fdt, found), names[i]);
        assert_int_equal(depth, depths[i]);
    }
    assert_int_equal(fdtr_next_node(fdt, found, &depth), -1);

    /* From a node in the middle the walk ends where its subtree ends. */
    depth = 0;
    found = fdtr_next_node(fdt, at("/soc/uart@1000"), &depth);
    assert_int_equal(found, at("/soc/uart@1000/child"));
    assert_int_equal(depth, 1);
    assert_int_equal(fdtr_next_node(fdt, found, &depth), -1);
}

static void deep_nodes_are_not_visited(void **state)
{
    int depth = -1;
    int found;
    u32 seen = 0;
    u32 i;

    tree_begin();
    for (i = 0; i < 60; i++) {
        node("n");
        if (i == 40)
            cells("phandle", 5);
    }
    for (i = 0; i < 60; i++)
        end();
    node("after");
    end();
    tree_end();
    fdt = tree_take();
    assert_int_equal(fdtr_check(fdt, fdt_totalsize(fdt)), CORBEL_OK);

    for (found = fdtr_next_node(fdt, -1, &depth); found >= 0;
         found = fdtr_next_node(fdt, found, &depth)) {
        assert_true(depth < FDTR_DEPTH_MAX);
        seen++;
    }
    assert_int_equal(seen, FDTR_DEPTH_MAX + 1);
    assert_int_equal(fdtr_parent(fdt, at("/after")), 0);
    assert_int_equal(fdtr_by_phandle(fdt, 5), -1);

    found = 0;
    for (i = 0; i < 40; i++)
        found = fdtr_child(fdt, found, "n");
    assert_true(found > 0);
    assert_int_equal(fdtr_parent(fdt, found), -1);
}

static void phandles(void **state)
{
    small_tree();
    assert_int_equal(fdtr_phandle(fdt, at("serial0")), 7);
    assert_int_equal(fdtr_phandle(fdt, at("serial0/child")), 9);
    assert_int_equal(fdtr_phandle(fdt, at("/soc/uart@2000")), 0);
    assert_int_equal(fdtr_phandle(fdt, at("/last")), 0);
    assert_int_equal(fdtr_by_phandle(fdt, 9), at("serial0/child"));
    assert_int_equal(fdtr_by_phandle(fdt, 8), -1);
    assert_int_equal(fdtr_by_phandle(fdt, 0), -1);
    assert_int_equal(fdtr_by_phandle(fdt, 0xffffffff), -1);
}

static void names_and_paths(void **state)
{
    static const char *const cut[] = {
        "",       ".",       "..",       "...",       "...d",       "...ld",
        "...ild", "...hild", "...child", ".../child", "...0/child",
    };
    static const char full[] = "/soc/uart@1000/child";
    char buf[64];
    u32 size;
    int child;

    small_tree();
    child = at("serial0/child");
    assert_string_equal(fdtr_name(fdt, 0), "");
    assert_string_equal(fdtr_name(fdt, -1), "");
    assert_string_equal(fdtr_path_of(fdt, 0, buf, sizeof(buf)), "/");
    assert_string_equal(fdtr_path_of(fdt, at("/soc"), buf, sizeof(buf)), "/soc");
    assert_string_equal(fdtr_path_of(fdt, child, buf, sizeof(buf)), full);
    assert_string_equal(fdtr_path_of(fdt, child, buf, sizeof(full)), full);
    assert_string_equal(fdtr_path_of(fdt, child, buf, sizeof(full) - 1), ".../uart@1000/child");
    assert_string_equal(fdtr_path_of(fdt, -5, buf, sizeof(buf)), "");
    assert_string_equal(fdtr_path_of(fdt, child, buf, 0), "");
    for (size = 1; size <= ARRAY_SIZE(cut); size++)
        assert_string_equal(fdtr_path_of(fdt, child, buf, size), cut[size - 1]);
}

/* ---- properties ---- */

static void props_tree(void)
{
    tree_begin();
    empty("empty");
    cells("one", 0x80000001);
    cells("two", 1, 2);
    cells("three", 1, 2, 3);
    raw("odd", "12345");
    list("text", "hello");
    raw("unended", "hello");
    list("list", "a\0bc\0");
    raw("broken", "a\0bc");
    tree_end();
    fdt = tree_take();
}

static void numbers(void **state)
{
    u32 small = 77;
    u64 big = 77;

    props_tree();
    assert_int_equal(fdtr_u32(fdt, 0, "one", &small), CORBEL_OK);
    assert_int_equal(small, 0x80000001);
    assert_int_equal(fdtr_u32(fdt, 0, "none", &small), ERR_NOENT);
    assert_int_equal(fdtr_u32(fdt, 0, "two", &small), ERR_FORMAT);
    assert_int_equal(fdtr_u32(fdt, 0, "empty", &small), ERR_FORMAT);
    assert_int_equal(fdtr_u32(fdt, 0, "odd", &small), ERR_FORMAT);
    assert_int_equal(small, 0x80000001);

    assert_int_equal(fdtr_u64(fdt, 0, "two", &big), CORBEL_OK);
    assert_true(big == 0x100000002ull);
    assert_int_equal(fdtr_u64(fdt, 0, "one", &big), ERR_FORMAT);
    assert_int_equal(fdtr_u64(fdt, 0, "three", &big), ERR_FORMAT);
    assert_int_equal(fdtr_u64(fdt, 0, "none", &big), ERR_NOENT);

    assert_int_equal(fdtr_number(fdt, 0, "two", &big), CORBEL_OK);
    assert_int_equal(fdtr_number(fdt, 0, "one", &big), CORBEL_OK);
    assert_true(big == 0x80000001ull);
    assert_int_equal(fdtr_number(fdt, 0, "three", &big), ERR_FORMAT);
    assert_int_equal(fdtr_number(fdt, 0, "empty", &big), ERR_FORMAT);
    assert_int_equal(fdtr_number(fdt, 0, "odd", &big), ERR_FORMAT);
    assert_int_equal(fdtr_number(fdt, 0, "none", &big), ERR_NOENT);
    assert_true(fdtr_read_cells("\1\2\3\4\5\6\7\x8", 2) == 0x0102030405060708ull);
    assert_true(fdtr_read_cells("\1\2\3\4", 1) == 0x01020304ull);
}

static void cells_and_lengths(void **state)
{
    u32 value = 77;
    u32 len = 77;

    props_tree();
    assert_int_equal(fdtr_cell(fdt, 0, "three", 2, &value), CORBEL_OK);
    assert_int_equal(value, 3);
    assert_int_equal(fdtr_cell(fdt, 0, "three", 3, &value), ERR_NOENT);
    assert_int_equal(fdtr_cell(fdt, 0, "three", 0xffffffff, &value), ERR_NOENT);
    assert_int_equal(fdtr_cell(fdt, 0, "odd", 0, &value), ERR_FORMAT);
    assert_int_equal(fdtr_cell(fdt, 0, "none", 0, &value), ERR_NOENT);
    assert_non_null(fdtr_prop(fdt, 0, "odd", &len));
    assert_int_equal(len, 5);
    assert_null(fdtr_prop(fdt, 0, "none", &len));
    assert_true(fdtr_has(fdt, 0, "empty"));
    assert_false(fdtr_has(fdt, 0, "none"));
    assert_false(fdtr_has(fdt, -1, "empty"));
}

static void strings(void **state)
{
    const char *text;

    props_tree();
    assert_int_equal(fdtr_string(fdt, 0, "text", &text), CORBEL_OK);
    assert_string_equal(text, "hello");
    assert_int_equal(fdtr_string(fdt, 0, "unended", &text), ERR_FORMAT);
    assert_int_equal(fdtr_string(fdt, 0, "empty", &text), ERR_FORMAT);
    assert_int_equal(fdtr_string(fdt, 0, "none", &text), ERR_NOENT);

    assert_string_equal(fdtr_string_at(fdt, 0, "list", 0), "a");
    assert_string_equal(fdtr_string_at(fdt, 0, "list", 1), "bc");
    assert_string_equal(fdtr_string_at(fdt, 0, "list", 2), "");
    assert_null(fdtr_string_at(fdt, 0, "list", 3));
    assert_string_equal(fdtr_string_at(fdt, 0, "broken", 0), "a");
    assert_null(fdtr_string_at(fdt, 0, "broken", 1));
    assert_null(fdtr_string_at(fdt, 0, "empty", 0));
    assert_null(fdtr_string_at(fdt, 0, "none", 0));
}

static void compatible_and_status(void **state)
{
    tree_begin();
    node("a");
    list("compatible", "x,one\0x,two");
    list("status", "okay");
    end();
    node("b");
    raw("compatible", "x,one\0x,two");
    list("status", "ok");
    end();
    node("c");
    list("status", "disabled");
    end();
    node("d");
    empty("status");
    end();
    node("e");
    raw("status", "okay");
    end();
    tree_end();
    fdt = tree_take();
    assert_true(fdtr_compatible(fdt, at("/a"), "x,one"));
    assert_true(fdtr_compatible(fdt, at("/a"), "x,two"));
    assert_false(fdtr_compatible(fdt, at("/a"), "x,tw"));
    assert_false(fdtr_compatible(fdt, at("/b"), "x,two"));
    assert_false(fdtr_compatible(fdt, at("/c"), "x,one"));
    assert_true(fdtr_available(fdt, at("/a")));
    assert_true(fdtr_available(fdt, at("/b")));
    assert_true(fdtr_available(fdt, 0));
    assert_false(fdtr_available(fdt, at("/c")));
    assert_false(fdtr_available(fdt, at("/d")));
    assert_false(fdtr_available(fdt, at("/e")));
}

/* ---- reservations ---- */

static void reservations(void **state)
{
    u64 base;
    u64 size;

    small_tree();
    assert_int_equal(fdtr_memreserve_count(fdt), 0);
    assert_int_equal(fdtr_memreserve(fdt, 0, &base, &size), ERR_NOENT);
    add_reserve(0x1000, 0x2000);
    add_reserve(0x100000000ull, 0x3000);
    fdt = tree_take();
    assert_int_equal(fdtr_check(fdt, fdt_totalsize(fdt)), CORBEL_OK);
    assert_int_equal(fdtr_memreserve_count(fdt), 2);
    assert_int_equal(fdtr_memreserve(fdt, 1, &base, &size), CORBEL_OK);
    assert_true(base == 0x100000000ull && size == 0x3000);
    assert_int_equal(fdtr_memreserve(fdt, 2, &base, &size), ERR_NOENT);
}

/* ---- the walk over tags ---- */

/* Everything that libfdt says of the tree, fdt_walk.c says too. */
static void assert_same_as_libfdt(void)
{
    int theirs = -1, their_depth = -1, ours = -1, depth = -1;

    for (;;) {
        struct fdtr_property mine;
        int at_prop = -1, prop;

        theirs = fdt_next_node(fdt, theirs, &their_depth);
        ours = fdtr_next_node(fdt, ours, &depth);
        if (theirs < 0 || their_depth < 0)
            break;
        assert_int_equal(ours, theirs);
        assert_int_equal(depth, their_depth);
        assert_string_equal(fdtr_name(fdt, ours), fdt_get_name(fdt, theirs, NULL));
        assert_int_equal(fdtr_first_child(fdt, ours), MAX(fdt_first_subnode(fdt, ours), -1));
        fdt_for_each_property_offset(prop, fdt, theirs)
        {
            const char *name;
            int len;
            u32 my_len = 0;
            const void *value = fdt_getprop_by_offset(fdt, prop, &name, &len);

            at_prop = fdtr_next_prop(fdt, ours, at_prop, &mine);
            assert_int_equal(at_prop, prop);
            assert_ptr_equal(mine.data, value);
            assert_ptr_equal(mine.name, name);
            assert_int_equal(mine.len, len);
            assert_ptr_equal(fdtr_prop(fdt, ours, name, &my_len),
                             fdt_getprop(fdt, theirs, name, &len));
            assert_int_equal(my_len, len);
        }
        assert_int_equal(fdtr_next_prop(fdt, ours, at_prop, &mine), -1);
        assert_null(fdtr_prop(fdt, ours, "none", NULL));
        assert_null(fdtr_prop(fdt, ours, "", NULL));
    }
    assert_int_equal(ours, -1);
}

static void walk_agrees_with_libfdt(void **state)
{
    small_tree();
    assert_same_as_libfdt();
    /* What was taken out leaves NOPs, at the begin, in the middle and at the end of nodes. */
    assert_int_equal(fdt_nop_property(tree_taken, at("/aliases"), "loop"), 0);
    assert_int_equal(fdt_nop_property(tree_taken, 0, "#address-cells"), 0);
    assert_int_equal(fdt_nop_property(tree_taken, at("/last"), "phandle"), 0);
    assert_int_equal(fdt_nop_node(tree_taken, at("/soc/uart@2000")), 0);
    assert_int_equal(fdtr_check(fdt, fdt_totalsize(fdt)), CORBEL_OK);
    assert_same_as_libfdt();
    assert_int_equal(fdtr_next_child(fdt, at("/soc/uart@1000")), -1);
}

/* Nothing is read behind the structure block, whatever its last tag says. */
static void walk_ends_with_the_block(void **state)
{
    struct fdtr_property prop;
    u32 last;
    int soc, depth = -1;

    small_tree();
    soc = at("/soc");
    last = (u32)at("/last");
    assert_string_equal(fdtr_name(fdt, soc + 2), "");
    assert_null(fdtr_prop(fdt, soc + 4, "phandle", NULL));
    assert_int_equal(fdtr_next_prop(fdt, -1, -1, &prop), -1);
    assert_int_equal(fdtr_next_prop(fdt, soc, soc, &prop), -1);
    assert_int_equal(fdtr_next_prop(fdt, soc, 0x100000, &prop), -1);
    assert_int_equal(fdtr_next_node(fdt, 0x100000, &depth), -1);
    assert_int_equal(fdtr_first_child(fdt, 0x100000), -1);
    assert_int_equal(fdtr_next_child(fdt, -1), -1);

    /* The block ends in the tag, in the head and in the value of /last's property. */
    for (u32 cut = 0; cut < 24; cut++) {
        fdt_set_size_dt_struct(tree_taken, last + 12 + cut);
        assert_int_equal(fdtr_has(fdt, (int)last, "phandle"), cut >= 12 + sizeof("wrong"));
        assert_int_equal(fdtr_next_child(fdt, (int)last), -1);
    }
    /* And in a node's name. */
    fdt_set_size_dt_struct(tree_taken, (u32)soc + 4);
    assert_null(fdtr_prop(fdt, soc, "phandle", NULL));
    assert_int_equal(fdtr_first_child(fdt, soc), -1);
}

/* Version 16 has no field for the size of its structure block. */
static void version_16_is_read_whole(void **state)
{
    void *copy;
    u32 size;

    small_tree();
    fdt_set_version(tree_taken, 16);
    fdt_set_size_dt_struct(tree_taken, 0xffffff00);
    size = fdt_totalsize(fdt);
    assert_int_equal(fdtr_check(fdt, size), CORBEL_OK);
    assert_int_equal(fdtr_by_phandle(fdt, 9), at("/soc/uart@1000/child"));
    assert_int_equal(fdtr_used_size(fdt), size);
    copy = test_malloc(size);
    assert_int_equal(fdtr_copy(copy, fdt, size), CORBEL_OK);
    assert_int_equal(fdtr_path(copy, "/last"), at("/last"));
    test_free(copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_blob_is_accepted),
        cmocka_unit_test(bad_blobs_are_refused),
        cmocka_unit_test(bad_structure_is_refused),
        cmocka_unit_test(paths_and_aliases),
        cmocka_unit_test(children_and_parents),
        cmocka_unit_test(walk_is_in_tree_order),
        cmocka_unit_test(deep_nodes_are_not_visited),
        cmocka_unit_test(phandles),
        cmocka_unit_test(names_and_paths),
        cmocka_unit_test(numbers),
        cmocka_unit_test(cells_and_lengths),
        cmocka_unit_test(strings),
        cmocka_unit_test(compatible_and_status),
        cmocka_unit_test(reservations),
        cmocka_unit_test(walk_agrees_with_libfdt),
        cmocka_unit_test(walk_ends_with_the_block),
        cmocka_unit_test(version_16_is_read_whole),
    };

    return cmocka_run_group_tests(tests, NULL, tree_free);
}
