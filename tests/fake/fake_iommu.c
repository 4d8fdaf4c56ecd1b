/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake_core.h"
#include "fake_iommu.h"

#include <arch/mmu.h>
#include <corbel/cpu.h>
#include <corbel/drivers.h>
#include <corbel/fdt_read.h>
#include <corbel/irq.h>
#include <corbel/log.h>
#include <corbel/sched.h>

struct fake_iommu fake_iommus[FAKE_IOMMUS];
struct platform fake_platform;
struct domain fake_domains[FAKE_DOMAINS];
u32 fake_domain_count;
u32 fake_shutdowns[FAKE_DOMAINS];
u32 fake_woken, fake_lost;
u32 fake_walkers[FAKE_DOMAINS];
u8 fake_limit_ipa, fake_limit_pa;
struct p2m_near fake_near;
struct stage2_map fake_map;
bool fake_no_driver, fake_no_memory;
u32 fake_irq_requests, fake_irq_edges;
u64 fake_irqs_off;

static struct plan plans[FAKE_DOMAINS];
static struct domcfg cfgs[FAKE_DOMAINS];
static u32 order;
static u64 log_pos;

/* --- the driver --- */

static struct fake_iommu *self(const struct iommu *u)
{
    assert_true(u->regs >= (uintptr_t)fake_iommus);
    return (struct fake_iommu *)u->regs;
}

static struct fake_iommu *locked(const struct iommu *u)
{
    assert_true(spin_is_locked(&u->lock));
    return self(u);
}

static bool fails(s32 *countdown)
{
    return *countdown >= 0 && (*countdown)-- == 0;
}

static enum corbel_err op_probe(struct iommu *u, const char **why)
{
    struct fake_iommu *f = self(u);

    u->caps = f->caps;
    f->probed = true;
    f->passes = false;
    f->probed_as = ++order;
    *why = f->why;
    assert_non_null(u->priv);
    assert_non_null(u->mem->alloc);
    return f->probe_err;
}

static enum corbel_err op_start(struct iommu *u, const char **why)
{
    struct fake_iommu *f = self(u);

    assert_true(f->probed);
    f->started = true;
    f->irq_on = true;
    f->started_as = ++order;
    *why = f->why;
    return f->start_err;
}

static void op_set_bypass(struct iommu *u, bool bypass)
{
    self(u)->passes = bypass;
}

static bool overlap(const struct iommu_stream *a, const struct iommu_stream *b)
{
    return a->first < b->first + b->count && b->first < a->first + a->count;
}

static enum corbel_err op_attach(struct iommu *u, const struct iommu_stream *s,
                                 const struct stage2 *s2, const char **why)
{
    struct fake_iommu *f = locked(u);

    if (fails(&f->fail_attach)) {
        *why = f->why;
        return f->fail_with;
    }
    for (u32 i = 0; i < f->attached_count; i++)
        assert_false(overlap(&f->attached[i].stream, s));
    assert_true(f->attached_count < ARRAY_SIZE(f->attached));
    f->attached[f->attached_count].stream = *s;
    f->attached[f->attached_count++].s2 = s2;
    u->stats.commands += 2;
    u->stats.syncs++;
    return CORBEL_OK;
}

static enum corbel_err op_detach(struct iommu *u, const struct iommu_stream *s, bool quiet)
{
    struct fake_iommu *f = locked(u);

    if (fails(&f->fail_detach))
        return f->fail_with;
    for (u32 i = 0; i < f->attached_count; i++) {
        if (!overlap(&f->attached[i].stream, s))
            continue;
        if (quiet) {
            assert_true(f->quiet_count < ARRAY_SIZE(f->quiet));
            f->quiet[f->quiet_count++] = *s;
            return CORBEL_OK;
        }
        assert_memory_equal(&f->attached[i].stream, s, sizeof(*s));
        f->attached[i] = f->attached[--f->attached_count];
        return CORBEL_OK;
    }
    return ERR_NOENT;
}

static enum corbel_err op_invalidate(struct iommu *u, u16 vmid, const struct stage2_inval *inv)
{
    struct fake_iommu *f = locked(u);

    f->invalidates++;
    f->last_vmid = vmid;
    f->last_inv = *inv;
    return fails(&f->fail_invalidate) ? f->fail_with : CORBEL_OK;
}

static bool op_next_fault(struct iommu *u, struct iommu_fault *out)
{
    struct fake_iommu *f = locked(u);

    if (f->head == f->tail)
        return false;
    *out = f->queue[f->head++ % FAKE_QUEUE];
    f->taken++;
    u->stats.faults++;
    return true;
}

static u32 op_drop_faults(struct iommu *u)
{
    struct fake_iommu *f = locked(u);
    u32 n = f->tail - f->head;

    f->head = f->tail;
    f->dropped += n;
    return n;
}

static void op_set_fault_irq(struct iommu *u, bool on)
{
    locked(u)->irq_on = on;
}

struct iommu_ops fake_iommu_ops = {
    .name = "SMMUv3",
    .priv_size = 64,
    .probe = op_probe,
    .start = op_start,
    .set_bypass = op_set_bypass,
    .attach = op_attach,
    .detach = op_detach,
    .invalidate = op_invalidate,
    .next_fault = op_next_fault,
    .drop_faults = op_drop_faults,
    .set_fault_irq = op_set_fault_irq,
};

const struct iommu_ops *driver_iommu(u8 kind)
{
    return kind == IOMMU_SMMU_V3 && !fake_no_driver ? &fake_iommu_ops : NULL;
}

/* --- the machine --- */

void *arch_mmu_map_device(pa_t pa, u64 size)
{
    u64 index = (pa.v - FAKE_REGS) / 0x20000;

    assert_int_equal(size, 0x20000);
    return index < FAKE_IOMMUS ? &fake_iommus[index] : NULL;
}

void *heap_alloc(u64 size)
{
    static u8 memory[FAKE_IOMMUS][64];
    static u32 next;

    assert_true(size <= sizeof(memory[0]));
    return fake_no_memory ? NULL : memory[next++ % FAKE_IOMMUS];
}

void *heap_alloc_aligned(u64 size, u64 align)
{
    return heap_alloc(size);
}

void heap_free(void *ptr, u64 size)
{
}

enum corbel_err irq_request(u32 intid, bool level)
{
    static u32 requested[16];

    fake_irq_requests++;
    fake_irq_edges += !level;
    for (u32 i = 0; i < fake_irq_requests - 1 && i < ARRAY_SIZE(requested); i++) {
        if (requested[i] == intid)
            return ERR_BUSY;
    }
    requested[(fake_irq_requests - 1) % ARRAY_SIZE(requested)] = intid;
    return intid < 1000 ? CORBEL_OK : ERR_BUSY;
}

void irq_mask(u32 intid, bool masked)
{
    u64 bit = 1ull << (intid - FAKE_INTID);

    assert_true(intid >= FAKE_INTID && intid < FAKE_INTID + 64);
    fake_irqs_off = masked ? fake_irqs_off | bit : fake_irqs_off & ~bit;
}

void stage2_limit(u8 ipa_bits, u8 pa_bits)
{
    fake_limit_ipa = ipa_bits;
    fake_limit_pa = pa_bits;
}

struct domain *domain_get(u32 slot)
{
    return slot < fake_domain_count ? &fake_domains[slot] : NULL;
}

u32 domain_slots(void)
{
    return fake_domain_count;
}

void domain_shutdown(struct domain *d, enum shutdown_reason reason)
{
    assert_int_equal(reason, SHUTDOWN_CRASH);
    spin_lock(&d->lock);
    fake_shutdowns[d - fake_domains]++;
    d->state = DOMAIN_STOPPING;
    spin_unlock(&d->lock);
}

void sched_wake(struct sched_unit *unit)
{
    fake_woken++;
}

const struct stage2 *p2m_io_tables(const struct p2m *p2m)
{
    return &p2m->s2;
}

static u32 index_of(const struct p2m *p2m)
{
    return (u32)(container_of(p2m, struct domain, p2m) - fake_domains);
}

void p2m_io_attached(struct p2m *p2m, u32 iommu)
{
    spin_lock(&p2m->lock);
    fake_walkers[index_of(p2m)] |= 1u << iommu;
    spin_unlock(&p2m->lock);
}

void p2m_io_detached(struct p2m *p2m, u32 iommu)
{
    spin_lock(&p2m->lock);
    fake_walkers[index_of(p2m)] &= ~(1u << iommu);
    spin_unlock(&p2m->lock);
}

void p2m_set_lost(struct p2m *p2m)
{
    fake_lost++;
}

void p2m_nearest(struct p2m *p2m, ipa_t ipa, struct p2m_near *out)
{
    spin_lock(&p2m->lock);
    *out = fake_near;
    spin_unlock(&p2m->lock);
}

enum corbel_err p2m_lookup(struct p2m *p2m, ipa_t ipa, struct stage2_map *out)
{
    spin_lock(&p2m->lock);
    *out = fake_map;
    spin_unlock(&p2m->lock);
    return fake_map.size ? CORBEL_OK : ERR_NOENT;
}

/* --- for tests --- */

static void setup_iommu(u32 i)
{
    struct platform_iommu *desc = &fake_platform.iommus[i];

    fake_iommus[i].caps = (struct iommu_caps){ .ipa_bits = 44,
                                               .pa_bits = 44,
                                               .vmid_bits = 16,
                                               .stream_bits = 16,
                                               .bbm_level = 2,
                                               .coherent = true,
                                               .detail = "2-level stream table" };
    fake_iommus[i].passes = true;
    fake_iommus[i].fail_attach = fake_iommus[i].fail_detach = -1;
    fake_iommus[i].fail_invalidate = -1;
    fake_iommus[i].fail_with = ERR_TIMEDOUT;
    desc->kind = IOMMU_SMMU_V3;
    desc->regs = (struct mem_range){ FAKE_REGS + i * 0x20000, 0x20000 };
    desc->irq_count = 2;
    desc->irqs[0].intid = FAKE_INTID + 4 * i;
    desc->irqs[1].intid = FAKE_INTID + 4 * i + 1;
    snprintf(desc->path, sizeof(desc->path), "/smmu%u", i);
}

void fake_iommu_setup(u32 iommus, u32 domains)
{
    fake_reset(1);
    fake_time = 1000000000ull;
    memset(fake_iommus, 0, sizeof(fake_iommus));
    memset(&fake_platform, 0, sizeof(fake_platform));
    memset(fake_domains, 0, sizeof(fake_domains));
    memset(plans, 0, sizeof(plans));
    memset(cfgs, 0, sizeof(cfgs));
    memset(fake_shutdowns, 0, sizeof(fake_shutdowns));
    memset(fake_walkers, 0, sizeof(fake_walkers));
    fake_woken = fake_lost = order = 0;
    fake_limit_ipa = fake_limit_pa = 0;
    fake_near = (struct p2m_near){ 0 };
    fake_map = (struct stage2_map){ .size = 0 };
    fake_no_driver = fake_no_memory = false;
    fake_irq_requests = fake_irq_edges = 0;
    fake_irqs_off = 0;
    fake_platform.iommu_count = iommus;
    fake_platform.banks[0] = (struct mem_range){ 0x40000000, 0x80000000 };
    fake_platform.bank_count = 1;
    for (u32 i = 0; i < iommus; i++)
        setup_iommu(i);
    fake_domain_count = domains;
    for (u32 i = 0; i < domains; i++) {
        struct domain *d = &fake_domains[i];

        snprintf(d->name, sizeof(d->name), "dom%u", i + 1);
        d->id = i + 1;
        d->state = DOMAIN_RUNNING;
        d->plan = &plans[i];
        d->cfg = &cfgs[i];
        spin_lock_init(&d->lock, RANK_DOMAIN);
        spin_lock_init(&d->p2m.lock, RANK_P2M);
        d->p2m.s2.vmid = (u16)d->id;
    }
    log_pos = log_head();
    timer_queue_init(&cpu_this()->timers, 0);
}

void fake_give(struct domain *d, u32 iommu, u32 first, u32 count, u8 protection)
{
    struct passdt *pass = &d->plan->pass;
    struct passdt_device *device = &pass->devices[pass->device_count];

    snprintf(device->path, sizeof(device->path), "/node%u", 100 * d->id + pass->device_count);
    device->protection = protection;
    device->undriven = -1;
    device->is_master = true;
    pass->streams[pass->stream_count].entry.iommu = (u8)iommu;
    pass->streams[pass->stream_count].entry.stream =
        (struct iommu_stream){ .first = first, .count = count };
    pass->streams[pass->stream_count++].device = (u8)pass->device_count++;
}

void fake_fault(u32 iommu, u8 kind, u32 stream, bool write, u64 ipa)
{
    struct fake_iommu *f = &fake_iommus[iommu];

    if (f->tail - f->head == FAKE_QUEUE)
        return;
    f->queue[f->tail++ % FAKE_QUEUE] =
        (struct iommu_fault){ .kind = kind,
                              .has_stream = kind != IOMMU_FAULT_GLOBAL && kind != IOMMU_FAULT_LOST,
                              .has_address = ipa != 0,
                              .write = write,
                              .stream = stream,
                              .ipa = ipa,
                              .type = 0x10,
                              .raw = { 0x11, 0x22 } };
}

const char *fake_log_text(void)
{
    static char text[16384 + 1];

    text[log_read(&log_pos, text, sizeof(text) - 1)] = 0;
    return text;
}

u32 fake_log_lines(const char *log)
{
    u32 n = 0;

    for (; *log; log++)
        n += *log == '\n';
    return n;
}
