/* SPDX-License-Identifier: Apache-2.0 */
/*
 * QEMU TCG plugin: count instructions of the hypervisor and of its guests.
 * An instruction is the hypervisor's if its virtual address lies in el2=LO:HI, or if it runs before
 * the first guest instruction: the first one outside after an ERET there. Exits are counted at the
 * vectors for lower exception levels, which are learned from where the guest first comes back to.
 * Lines written to out=FILE:
 *   first-guest INSNS                 all instructions before the guest's first
 *   start N GUEST EL2 EXITS ..        since then, when the Nth guest (from 0) begins at the address
 *                                     at which the first one did
 *   region N GUEST EL2 EXITS ..       between hint #0x70 and hint #0x71, N counts up from 0
 *   mark GUEST EL2 EXITS ..           a lone hint #0x71: totals since the guest's first
 *   end GUEST EL2 EXITS ..            when QEMU ends
 * where .. is, of the EL2 instructions: LDST SYSREG BARRIER (loads and stores, a pair being one;
 * MRS and MSR; DSB, DMB and ISB).
 * Use with -icount and -smp 1; more CPUs are summed up.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qemu_plugin.h"

#define INSN_ERET   0xd69f03e0U
#define INSN_BEGIN  0xd5032e1fU /* hint #0x70 */
#define INSN_FINISH 0xd5032e3fU /* hint #0x71 */

enum counter { GUEST, EL2, EXITS, LDST, SYSREG, BARRIER, COUNTERS };

struct counts {
    uint64_t of[COUNTERS];
};

int qemu_plugin_version = 4;

static uint64_t el2_start;
static uint64_t el2_end;
static FILE *out;
static struct qemu_plugin_scoreboard *score;
static struct counts boot;
static struct counts begin;
static bool eret_seen;
static bool in_guest;
static uint64_t entry;
static unsigned int starts;
static uint64_t vectors;
static bool in_region;
static unsigned int regions;

static qemu_plugin_u64 entry_of(enum counter which)
{
    return (qemu_plugin_u64){ score, offsetof(struct counts, of) + which * sizeof(uint64_t) };
}

static struct counts counts_since(const struct counts *before)
{
    struct counts now;

    for (int i = 0; i < COUNTERS; i++) {
        now.of[i] = qemu_plugin_u64_sum(entry_of(i)) - before->of[i];
    }
    return now;
}

static void write_counts(const char *what, struct counts c)
{
    fputs(what, out);
    for (int i = 0; i < COUNTERS; i++) {
        fprintf(out, " %" PRIu64, c.of[i]);
    }
    fputc('\n', out);
    fflush(out);
}

static void on_eret(unsigned int cpu, void *data)
{
    (void)cpu;
    (void)data;
    eret_seen = true;
}

static void on_entry(unsigned int cpu, void *data)
{
    char name[32];

    (void)cpu;
    (void)data;
    snprintf(name, sizeof(name), "start %u", starts++);
    write_counts(name, counts_since(&boot));
}

/* Before an instruction at ADDRESS, outside the hypervisor's range. */
static void on_outside(unsigned int cpu, void *address)
{
    if (in_guest) {
        if ((uintptr_t)address == entry) {
            on_entry(cpu, NULL);
        }
        return;
    }
    if (!eret_seen) {
        return;
    }
    in_guest = true;
    entry = (uintptr_t)address;
    boot = counts_since(&boot);
    fprintf(out, "first-guest %" PRIu64 "\n", boot.of[GUEST] + boot.of[EL2]);
    on_entry(cpu, NULL);
}

static void on_begin(unsigned int cpu, void *data)
{
    (void)cpu;
    (void)data;
    begin = counts_since(&(struct counts){ 0 });
    in_region = true;
}

static void on_finish(unsigned int cpu, void *data)
{
    char name[32];

    (void)cpu;
    (void)data;
    if (!in_region) {
        write_counts("mark", counts_since(&boot));
        return;
    }
    in_region = false;
    snprintf(name, sizeof(name), "region %u", regions++);
    write_counts(name, counts_since(&begin));
}

static bool is_lower_vector(uint64_t address)
{
    uint64_t offset = address - vectors;

    return vectors != 0 && offset >= 0x400 && offset < 0x800 && offset % 0x80 == 0;
}

static void count(struct qemu_plugin_insn *insn, enum counter which)
{
    qemu_plugin_register_vcpu_insn_exec_inline_per_vcpu(insn, QEMU_PLUGIN_INLINE_ADD_U64,
                                                        entry_of(which), 1);
}

/* Arm ARM C4.1: loads and stores have x1x0 in bits 28-25. */
static void count_kind(struct qemu_plugin_insn *insn, uint32_t word)
{
    if ((word & 0x0a000000U) == 0x08000000U) {
        count(insn, LDST);
    } else if ((word & 0xffd00000U) == 0xd5100000U) {
        count(insn, SYSREG);
    } else if ((word & 0xfffff09fU) == 0xd503309fU && (word & 0x60U) != 0x60U) {
        count(insn, BARRIER);
    }
}

static void instrument_el2(struct qemu_plugin_insn *insn, uint64_t address, uint32_t word)
{
    count(insn, EL2);
    count_kind(insn, word);
    if (is_lower_vector(address)) {
        count(insn, EXITS);
    }
    if (word == INSN_ERET && !in_guest) {
        qemu_plugin_register_vcpu_insn_exec_cb(insn, on_eret, QEMU_PLUGIN_CB_NO_REGS, NULL);
    }
}

static void instrument(struct qemu_plugin_insn *insn, bool first)
{
    uint64_t address = qemu_plugin_insn_vaddr(insn);
    uint32_t word = 0;

    qemu_plugin_insn_data(insn, &word, sizeof(word));
    if (address >= el2_start && address < el2_end) {
        /* What is translated first after the guest ran is the vector it came back by. */
        if (in_guest && vectors == 0) {
            vectors = address & ~UINT64_C(0x7ff);
        }
        instrument_el2(insn, address, word);
        return;
    }
    if (first && (!in_guest || address == entry)) {
        qemu_plugin_register_vcpu_insn_exec_cb(insn, on_outside, QEMU_PLUGIN_CB_NO_REGS,
                                               (void *)(uintptr_t)address);
    }
    count(insn, GUEST);
    if (word == INSN_BEGIN) {
        qemu_plugin_register_vcpu_insn_exec_cb(insn, on_begin, QEMU_PLUGIN_CB_NO_REGS, NULL);
    } else if (word == INSN_FINISH) {
        qemu_plugin_register_vcpu_insn_exec_cb(insn, on_finish, QEMU_PLUGIN_CB_NO_REGS, NULL);
    }
}

static void on_translate(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
    size_t insns = qemu_plugin_tb_n_insns(tb);

    (void)id;
    for (size_t i = 0; i < insns; i++) {
        instrument(qemu_plugin_tb_get_insn(tb, i), i == 0);
    }
}

static void on_end(qemu_plugin_id_t id, void *data)
{
    (void)id;
    (void)data;
    write_counts("end", counts_since(&boot));
    fclose(out);
}

static bool parse_args(int argc, char **argv)
{
    for (int i = 0; i < argc; i++) {
        if (strncmp(argv[i], "out=", 4) == 0) {
            out = fopen(argv[i] + 4, "w");
        } else if (strncmp(argv[i], "el2=", 4) == 0) {
            char *end;

            el2_start = strtoull(argv[i] + 4, &end, 16);
            el2_end = *end == ':' ? strtoull(end + 1, NULL, 16) : 0;
        }
    }
    return out != NULL && el2_end >= el2_start;
}

int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info *info, int argc, char **argv)
{
    (void)info;
    if (!parse_args(argc, argv)) {
        fprintf(stderr, "elcount: want out=FILE,el2=LO:HI\n");
        return 1;
    }
    score = qemu_plugin_scoreboard_new(sizeof(struct counts));
    qemu_plugin_register_vcpu_tb_trans_cb(id, on_translate);
    qemu_plugin_register_atexit_cb(id, on_end, NULL);
    return 0;
}
