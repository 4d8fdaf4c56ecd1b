/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Boot options: every option with good and bad values, the words boot scripts
 * write, and lines that are too long for what is kept of them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <corbel/cmdline.h>
#include <corbel/compiler.h>
#include <corbel/log.h>
#include <corbel/sched.h>

static struct boot_options o;

static void parse(const char *line)
{
    memset(&o, 0xa5, sizeof(o));
    cmdline_parse(line, &o);
}

static void accept(const char *line)
{
    parse(line);
    assert_string_equal(o.unknown, "");
    assert_string_equal(o.bad, "");
}

static void refuse(const char *line, const char *bad)
{
    parse(line);
    assert_string_equal(o.bad, bad);
    assert_string_equal(o.unknown, "");
}

static void defaults(void **state)
{
    static const char *const lines[] = { "", "   ", "\t \n" };
    size_t i;

    for (i = 0; i < 3; i++) {
        accept(lines[i]);
        assert_string_equal(o.dtuart, "");
        assert_true(o.console_dtuart);
        assert_int_equal(o.loglvl, LOG_INFO);
        assert_int_equal(o.guest_loglvl, LOG_WARN);
        assert_int_equal(o.sched, SCHED_FAIR);
        assert_false(o.vwfi_native);
        assert_true(o.bootscrub);
        assert_false(o.sync_console);
        assert_false(o.p2m_report);
        assert_true(o.dom0_mem == 0);
        assert_int_equal(o.dom0_max_vcpus, 0);
        assert_int_equal(o.max_cpus, 0);
    }
}

static void what_boot_scripts_write(void **state)
{
    accept("console=dtuart dtuart=serial0 dom0_mem=1500M dom0_max_vcpus=2 bootscrub=0 vwfi=native "
           "sched=null");
    assert_string_equal(o.dtuart, "serial0");
    assert_true(o.console_dtuart);
    assert_true(o.dom0_mem == 1500 * 1024);
    assert_int_equal(o.dom0_max_vcpus, 2);
    assert_false(o.bootscrub);
    assert_true(o.vwfi_native);
    assert_int_equal(o.sched, SCHED_NULL);

    /* Without a dom0 its words are emptied and their blanks stay. */
    accept(" console=dtuart  dtuart=/pl011@9000000   bootscrub=0 vwfi=native sched=null   ");
    assert_string_equal(o.dtuart, "/pl011@9000000");
    assert_int_equal(o.sched, SCHED_NULL);
}

static void switches(void **state)
{
    static const char *const on[] = { "1", "yes", "on", "true", "enable" };
    static const char *const off[] = { "0", "no", "off", "false", "disable" };
    char line[64];
    size_t i;

    for (i = 0; i < 5; i++) {
        strcpy(line, "sync_console=");
        accept(strcat(line, on[i]));
        assert_true(o.sync_console);
        strcpy(line, "bootscrub=");
        accept(strcat(line, off[i]));
        assert_false(o.bootscrub);
    }
    accept("sync_console corbel,p2m-report no-bootscrub");
    assert_true(o.sync_console);
    assert_true(o.p2m_report);
    assert_false(o.bootscrub);
    accept("sync-console corbel,p2m_report=on bootscrub=idle");
    assert_true(o.sync_console);
    assert_true(o.p2m_report);
    assert_true(o.bootscrub);
    accept("sync_console no-sync_console");
    assert_false(o.sync_console);
    refuse("bootscrub=2", "bootscrub=2: expected yes, no or idle");
    refuse("bootscrub=", "bootscrub=: expected yes, no or idle");
    refuse("sync_console=idle", "sync_console=idle: expected yes or no");
    parse("no-sched no-bootscrub=1 no-");
    assert_string_equal(o.unknown, "no-sched no-bootscrub=1 no-");
}

static void check_iommu(const char *line, bool off, bool unshared)
{
    accept(line);
    assert_int_equal(o.iommu_off, off);
    assert_int_equal(o.iommu_unshared, unshared);
    assert_false(o.iommu_no_inval);
}

static void iommu(void **state)
{
    static const char expected[] = ": expected a list of yes, no, sharept, no-sharept, force, "
                                   "verbose, debug";
    static const char *const wrong[] = {
        "iommu=",         "iommu=maybe", "iommu=yes,,no", "iommu=sharept=2", "iommu=no-sharept=1",
        "iommu=sharept2", "iommu=no-",   "iommu=,",       "iommu=off,x",     "iommu=sharept="
    };
    char bad[200];

    check_iommu("", false, false);
    check_iommu("iommu", false, false);
    check_iommu("iommu=1 ", false, false);
    check_iommu("iommu=off", true, false);
    check_iommu("iommu=no", true, false);
    check_iommu("iommu=false", true, false);
    check_iommu("iommu=0", true, false);
    check_iommu("no-iommu", true, false);
    check_iommu("iommu=off iommu=on", false, false);
    check_iommu("iommu=no-sharept", false, true);
    check_iommu("iommu=sharept=off", false, true);
    check_iommu("iommu=no-sharept,sharept", false, false);
    check_iommu("iommu=true,no-sharept,force,verbose,debug", false, true);
    check_iommu("iommu=force,required,no-verbose,debug=1,quarantine", false, false);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        refuse(wrong[i], strcat(strcpy(bad, wrong[i]), expected));
        assert_false(o.iommu_off || o.iommu_unshared);
    }
    parse("iommu=no-sharept iommu=debug-no-inval");
    assert_true(o.iommu_unshared);
    assert_int_equal(o.iommu_no_inval, IS_ENABLED(CONFIG_DEBUG));
    assert_int_equal(o.bad[0] == '\0', IS_ENABLED(CONFIG_DEBUG));
}

static void log_levels(void **state)
{
    static const struct {
        const char *line;
        int level;
    } cases[] = {
        { "loglvl=none", LOG_ERR },          { "loglvl=error", LOG_ERR },
        { "loglvl=warning", LOG_WARN },      { "loglvl=info", LOG_INFO },
        { "loglvl=debug", LOG_DEBUG },       { "loglvl=all", LOG_DEBUG },
        { "loglvl=none/warning", LOG_WARN }, { "loglvl=all/error", LOG_DEBUG },
        { "loglvl=error/all", LOG_DEBUG },
    };
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        accept(cases[i].line);
        assert_int_equal(o.loglvl, cases[i].level);
        assert_int_equal(o.guest_loglvl, LOG_WARN);
    }
    accept("guest_loglvl=error/all loglvl=error");
    assert_int_equal(o.guest_loglvl, LOG_DEBUG);
    assert_int_equal(o.loglvl, LOG_ERR);
    refuse("loglvl=loud", "loglvl=loud: expected none, error, warning, info, debug or all");
    refuse("loglvl", "loglvl: expected none, error, warning, info, debug or all");
    parse("guest_loglvl=all/ loglvl=/all loglvl=");
    assert_int_equal(o.guest_loglvl, LOG_WARN);
    assert_int_equal(o.loglvl, LOG_INFO);
    assert_true(o.bad[0] != '\0');
}

static void consoles(void **state)
{
    accept("console=none");
    assert_false(o.console_dtuart);
    accept("console=none,dtuart");
    assert_true(o.console_dtuart);
    refuse("console=com1", "console=com1: expected dtuart or none");
    refuse("console=none,vga", "console=none,vga: expected dtuart or none");
    assert_true(o.console_dtuart);
    refuse("console=", "console=: expected dtuart or none");
    refuse("dtuart=", "dtuart=: expected a path or alias of at most 127 characters");
}

static void scheduling(void **state)
{
    accept("sched=null sched=credit2");
    assert_int_equal(o.sched, SCHED_FAIR);
    accept("sched=fair sched=credit sched=null vwfi=native vwfi=trap");
    assert_int_equal(o.sched, SCHED_NULL);
    assert_false(o.vwfi_native);
    accept("vwfi=idle");
    refuse("sched=rtds", "sched=rtds: expected fair, credit, credit2 or null");
    refuse("vwfi=never", "vwfi=never: expected trap or native");
}

static void sizes(void **state)
{
    static const struct {
        const char *line;
        u64 kib;
    } cases[] = {
        { "dom0_mem=512M", 512 * 1024 },
        { "dom0_mem=512m", 512 * 1024 },
        { "dom0_mem=2G", 2 * 1024 * 1024 },
        { "dom0_mem=1t", 1024 * 1024 * 1024 },
        { "dom0_mem=4096", 4096 },
        { "dom0_mem=4096k", 4096 },
        { "dom0_mem=8192B", 8 },
        { "dom0-mem=0x100K", 256 },
        { "dom0_mem=16777215T", 16777215ull << 30 },
    };
    static const char *const wrong[] = {
        "dom0_mem=0",
        "dom0_mem=",
        "dom0_mem=M",
        "dom0_mem=512MB",
        "dom0_mem=512X",
        "dom0_mem=max:512M",
        "dom0_mem=-1",
        "dom0_mem=1023B",
        "dom0_mem=16777216T",
        "dom0_mem",
        "dom0_mem=99999999999999999999",
    };
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        accept(cases[i].line);
        assert_true(o.dom0_mem == cases[i].kib);
    }
    for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        parse(wrong[i]);
        assert_true(o.dom0_mem == 0);
        assert_non_null(strstr(o.bad, ": expected a size above 0, as 512M"));
    }
}

static void counts(void **state)
{
    accept("dom0_max_vcpus=64 maxcpus=1");
    assert_int_equal(o.dom0_max_vcpus, 64);
    assert_int_equal(o.max_cpus, 1);
    refuse("maxcpus=0", "maxcpus=0: expected a number from 1 to 64");
    refuse("maxcpus=65", "maxcpus=65: expected a number from 1 to 64");
    refuse("dom0_max_vcpus=1-4", "dom0_max_vcpus=1-4: expected a number from 1 to 64");
    refuse("dom0_max_vcpus=two", "dom0_max_vcpus=two: expected a number from 1 to 64");
}

/* Sequences for a terminal are not passed on to it. */
static void what_is_named_is_clean(void **state)
{
    parse("dtua\023=1 maxcpus=\033[2Jx");
    assert_string_equal(o.unknown, "dtua?=1");
    assert_null(strchr(o.bad, '\033'));
    assert_non_null(strstr(o.bad, "maxcpus=?[2Jx: expected "));
}

static void unknown_words_are_named(void **state)
{
    parse("nonsense=1 console=dtuart  another-unknown conring_size=256k loglvlx=1 logl=1 =x");
    assert_string_equal(o.unknown,
                        "nonsense=1 another-unknown conring_size=256k loglvlx=1 logl=1 =x");
    assert_string_equal(o.bad, "");
    parse("maxcpus=x sched=y");
    assert_string_equal(o.bad, "maxcpus=x: expected a number from 1 to 64; "
                               "sched=y: expected fair, credit, credit2 or null");
}

static void long_lines_are_cut(void **state)
{
    char line[4096];
    size_t i;

    line[0] = '\0';
    for (i = 0; i < 80; i++)
        strcat(line, "unknown_word=1 maxcpus=x ");
    parse(strcat(line, "maxcpus=3"));
    assert_int_equal(o.max_cpus, 3);
    assert_true(strlen(o.unknown) < sizeof(o.unknown));
    assert_string_equal(o.unknown + strlen(o.unknown) - 4, " ...");
    assert_true(strlen(o.bad) < sizeof(o.bad));

    memset(line, 'u', 1000);
    strcpy(line + 1000, " after");
    parse(line);
    assert_int_equal(strlen(o.unknown), 60 + strlen(" after"));

    strcpy(line, "dtuart=");
    memset(line + 7, 'p', 127);
    line[7 + 127] = '\0';
    accept(line);
    assert_int_equal(strlen(o.dtuart), 127);
    strcat(line, "p");
    parse(line);
    assert_string_equal(o.dtuart, "");
    assert_true(o.bad[0] != '\0');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults),
        cmocka_unit_test(what_boot_scripts_write),
        cmocka_unit_test(switches),
        cmocka_unit_test(iommu),
        cmocka_unit_test(log_levels),
        cmocka_unit_test(consoles),
        cmocka_unit_test(scheduling),
        cmocka_unit_test(sizes),
        cmocka_unit_test(counts),
        cmocka_unit_test(what_is_named_is_clean),
        cmocka_unit_test(unknown_words_are_named),
        cmocka_unit_test(long_lines_are_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
