/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What SMMUs report: whose stream it was, what it wanted, and what its domain's configuration
 * has to say about that (corbel,on-dma-fault). One CPU takes all interrupts of SMMUs, so the
 * state here has one writer. A guest can make a device fault millions of times: a bounded
 * number of records is read each time, repeated ones are folded, lines are limited; and after
 * too many the SMMU's interrupt is off for a while, and what has come meanwhile is thrown away
 * in one go, so that faults cost a bounded share of this CPU. The same goes for interrupts with
 * nothing behind them: a GICv2m frame may raise the SMMUs' as well (plan_msi.c).
 */
#include <corbel/iommu.h>

#include <arch/time.h>
#include <corbel/bits.h>
#include <corbel/domain.h>
#include <corbel/iommu_parts.h>
#include <corbel/irq.h>
#include <corbel/log.h>
#include <corbel/p2m.h>
#include <corbel/plan.h>
#include <corbel/printf.h>
#include <corbel/string.h>
#include <corbel/timer.h>

#define RECORDS_AT_ONCE 32u
#define WINDOW_RECORDS  64u /* more than these in one window: pause */
#define WINDOW_IDLE     64u /* or more interrupts for nothing than these */
#define WINDOW_NS       100000000ull
#define PAUSE_NS        100000000ull
#define NEVER           (~0ull)

/* By index of the SMMU. */
static struct source {
    u64 window_start; /* ticks */
    u32 taken;        /* records in this window */
    u32 idle;         /* interrupts in it that no SMMU had anything to say about */
    bool paused;
    u64 resume; /* ticks */
    u64 dropped;
    struct log_limit limit; /* lines that are nobody's */
} sources[PLATFORM_IOMMU_MAX];

static struct timer_entry timer; /* the next resume, or the next line of a fold */

/* Who a stream was given to. */
struct owner {
    struct domain *d; /* NULL: nobody */
    const struct passdt_device *device;
    const struct iommu_stream *stream;
    u8 index; /* of the device */
};

__init void iommu_fault_init(void)
{
    memset(sources, 0, sizeof(sources));
    timer_entry_init(&timer, TIMER_IOMMU, NULL);
    iommu_fold_init();
}

u64 iommu_faults_dropped(u32 index, bool *paused)
{
    *paused = sources[index].paused;
    return sources[index].dropped;
}

static bool has_stream(const struct iommu_stream *s, u32 id)
{
    return s->mask ? !((id ^ s->first) & ~s->mask) : id - s->first < s->count;
}

static u8 state_of(const struct domain *d)
{
    return __atomic_load_n(&d->state, __ATOMIC_ACQUIRE);
}

/*
 * Without a lock: plans change in the task of a domain that ended, after each CPU has finished
 * what it was doing (quiet.h).
 */
static struct owner find_owner(u32 iommu, u32 id)
{
    for (u32 slot = 0; slot < domain_slots(); slot++) {
        struct domain *d = domain_get(slot);
        const struct passdt *pass = &d->plan->pass;

        if (state_of(d) == DOMAIN_DEAD || state_of(d) == DOMAIN_FAILED)
            continue;
        for (u32 i = 0; i < pass->stream_count; i++) {
            const struct passdt_stream *s = &pass->streams[i];

            if (s->entry.iommu == iommu && has_stream(&s->entry.stream, id))
                return (struct owner){ d, &pass->devices[s->device], &s->entry.stream, s->device };
        }
    }
    return (struct owner){ .d = NULL };
}

/* Lines */

static void near_text(struct domain *d, ipa_t ipa, char *buf, u32 size)
{
    struct p2m_near near;
    const struct stage2_map *m;
    bool below;

    p2m_nearest(&d->p2m, ipa, &near);
    buf[0] = 0;
    if (!near.has_below && !near.has_above)
        return;
    below = near.has_below &&
            (!near.has_above ||
             ipa.v - (near.below.ipa.v + near.below.size - 1) <= near.above.ipa.v - ipa.v);
    m = below ? &near.below : &near.above;
    fmt_snprintf(buf, size, "; nearest %s 0x%llx-0x%llx %s", s2_class_name(m->attr.cls),
                 (unsigned long long)m->ipa.v, (unsigned long long)(m->ipa.v + m->size - 1),
                 below ? "below" : "above");
}

static void permission_text(struct domain *d, const struct iommu_fault *f, char *buf, u32 size)
{
    struct stage2_map map;

    if (p2m_lookup(&d->p2m, IPA(ALIGN_DOWN(f->ipa, PAGE_SIZE)), &map) == CORBEL_OK)
        fmt_snprintf(buf, size, "%s there is not for %ss", s2_class_name(map.attr.cls),
                     f->write ? "write" : "read");
    else
        fmt_snprintf(buf, size, "not permitted");
}

/* Why it was refused. */
static void reason_text(struct domain *d, const struct iommu_fault *f, char *buf, u32 size)
{
    char near[96] = "";

    switch (f->kind) {
    case IOMMU_FAULT_TRANSLATION:
        near_text(d, IPA(f->ipa), near, sizeof(near));
        fmt_snprintf(buf, size, "nothing mapped there%s", near);
        break;
    case IOMMU_FAULT_PERMISSION:
        permission_text(d, f, buf, size);
        break;
    case IOMMU_FAULT_ACCESS:
        fmt_snprintf(buf, size, "an entry without access flag is there");
        break;
    case IOMMU_FAULT_SIZE:
        near_text(d, IPA(f->ipa), near, sizeof(near));
        fmt_snprintf(buf, size, "out of the address range%s", near);
        break;
    case IOMMU_FAULT_WALK:
        fmt_snprintf(buf, size, "the bus answered a table walk with an error");
        break;
    case IOMMU_FAULT_STREAM:
        fmt_snprintf(buf, size, "its domain is not running");
        break;
    default:
        fmt_snprintf(buf, size, "event 0x%x (0x%llx, 0x%llx)", f->type,
                     (unsigned long long)f->raw[0], (unsigned long long)f->raw[1]);
        break;
    }
}

/* " write 0x80000000", or nothing when the SMMU did not say. */
static const char *access_text(bool write, bool has_address, u64 address, char *buf, u32 size)
{
    buf[0] = 0;
    if (has_address)
        fmt_snprintf(buf, size, " %s 0x%llx", write ? "write" : "read",
                     (unsigned long long)address);
    return buf;
}

static void print_owned(const struct owner *o, const struct iommu_fault *f)
{
    char access[32], why[128];

    reason_text(o->d, f, why, sizeof(why));
    log_warn("%s: DMA fault: %s stream 0x%x%s: %s", o->d->name, o->device->path, f->stream,
             access_text(f->write, f->has_address, f->ipa, access, sizeof(access)), why);
}

static void print_unowned(const struct iommu *u, const struct iommu_fault *f)
{
    char access[32];

    if (f->kind == IOMMU_FAULT_LOST)
        log_warn("SMMU %s: faults came faster than they were read: some are lost", u->desc->path);
    else if (!f->has_stream || f->kind == IOMMU_FAULT_GLOBAL)
        log_err("SMMU %s: error 0x%x (0x%llx, 0x%llx)", u->desc->path, f->type,
                (unsigned long long)f->raw[0], (unsigned long long)f->raw[1]);
    else
        log_warn("SMMU %s: DMA of stream 0x%x%s, which nobody was given, refused", u->desc->path,
                 f->stream, access_text(f->write, f->has_address, f->ipa, access, sizeof(access)));
}

/* The line for those that were only counted. */
static void print_count(const struct iommu_fold *fold)
{
    const struct iommu *u = &iommu_all()->iommus[fold->iommu];
    unsigned long long n = fold->count;
    struct domain *d = fold->domain ? domain_get(fold->domain - 1) : NULL;
    char access[32];

    access_text(fold->write, fold->has_address, fold->page, access, sizeof(access));
    if (!log_limit_ok(d ? &d->iommu.limit : &sources[fold->iommu].limit,
                      d ? d->name : u->desc->path))
        return;
    if (d)
        log_warn("%s: DMA fault: stream 0x%x%s: %llu more there", d->name, fold->stream, access, n);
    else if (fold->kind == IOMMU_FOLD_DROPPED)
        log_warn("SMMU %s: too many faults: %llu were not looked at", u->desc->path, n);
    else if (fold->kind == IOMMU_FAULT_STREAM)
        log_warn("SMMU %s: DMA of stream 0x%x%s: refused %llu times more", u->desc->path,
                 fold->stream, access, n);
    else
        log_warn("SMMU %s: the last error, %llu times more", u->desc->path, n);
}

/* What the domain's configuration wants */

static void quarantine(u32 index, const struct owner *o, u32 id)
{
    struct iommu *u = &iommu_all()->iommus[index];
    struct iommu_domain *io = &o->d->iommu;
    struct iommu_stream one = { .first = id, .count = 1 };
    enum corbel_err err = ERR_NOENT;

    if (io->quiet_count && io->quiet_stream == id && io->quiet_iommu == index)
        return; /* records of the same burst */
    if (o->stream->mask)
        one = *o->stream; /* cannot be told apart */
    spin_lock(&u->lock);
    if (__atomic_load_n(&o->d->iommu.attached, __ATOMIC_ACQUIRE))
        err = u->ops->detach(u, &one, true);
    spin_unlock(&u->lock);
    if (err == ERR_NOENT) /* it is already */
        return;
    if (err == CORBEL_OK) {
        io->quiet_iommu = (u8)index;
        io->quiet_stream = id;
        io->quiet_count++;
        if (log_limit_ok(&io->limit, o->d->name))
            log_warn("%s: stream 0x%x of %s is in quarantine until the domain ends", o->d->name, id,
                     o->device->path);
        return;
    }
    log_err("%s: SMMU %s: stream 0x%x: no quarantine: %s", o->d->name, u->desc->path, id,
            err_name(err));
    domain_shutdown(o->d, SHUTDOWN_CRASH);
}

static void apply_policy(u32 index, const struct owner *o, const struct iommu_fault *f)
{
    if (state_of(o->d) != DOMAIN_RUNNING || f->kind == IOMMU_FAULT_STREAM ||
        !__atomic_load_n(&o->d->iommu.attached, __ATOMIC_ACQUIRE))
        return;
    switch (o->d->cfg->on_dma_fault) {
    case DMA_FAULT_QUARANTINE:
        quarantine(index, o, f->stream);
        break;
    case DMA_FAULT_CRASH:
        log_err("%s: crashed: DMA fault of %s, corbel,on-dma-fault = \"crash\"", o->d->name,
                o->device->path);
        domain_shutdown(o->d, SHUTDOWN_CRASH);
        break;
    default:
        break;
    }
}

/* Records */

static void count(const struct owner *o, const struct iommu_fault *f)
{
    struct iommu_domain *io = &o->d->iommu;

    if (f->kind < IOMMU_FAULT_KINDS)
        io->kinds[f->kind]++;
    if (o->index < PASSDT_DEVICES_MAX)
        io->devices[o->index]++;
    io->last = *f;
    io->last_device = o->index;
}

static bool is_news(const struct iommu_fold *key, u64 n)
{
    struct iommu_fold evicted;
    bool news = iommu_fold_add(key, n, arch_time_now(), &evicted);

    if (evicted.used)
        print_count(&evicted);
    return news;
}

static void report(u32 index, const struct iommu_fault *f)
{
    struct iommu *u = &iommu_all()->iommus[index];
    struct owner o = { .d = NULL };
    struct iommu_fold key = { .iommu = (u8)index,
                              .kind = f->kind,
                              .write = f->write,
                              .has_address = f->has_address,
                              .stream = f->has_stream ? f->stream : 0,
                              .page = f->has_address ? ALIGN_DOWN(f->ipa, PAGE_SIZE) : 0 };

    if (f->has_stream && f->kind != IOMMU_FAULT_GLOBAL)
        o = find_owner(index, f->stream);
    if (o.d)
        count(&o, f);
    key.domain = o.d ? o.d->id : 0;
    if (is_news(&key, 1) && log_limit_ok(o.d ? &o.d->iommu.limit : &sources[index].limit,
                                         o.d ? o.d->name : u->desc->path)) {
        if (o.d)
            print_owned(&o, f);
        else
            print_unowned(u, f);
    }
    if (o.d)
        apply_policy(index, &o, f);
}

static bool take(struct iommu *u, struct iommu_fault *f)
{
    bool taken;

    spin_lock(&u->lock);
    taken = u->ops->next_fault(u, f);
    spin_unlock(&u->lock);
    return taken;
}

/* Read and report what is there, some at most; how many. Reporting takes other locks. */
static u32 serve(u32 index)
{
    struct iommu *u = &iommu_all()->iommus[index];
    struct iommu_fault f;
    u32 n = 0;

    while (n < RECORDS_AT_ONCE && take(u, &f)) {
        report(index, &f);
        n++;
    }
    return n;
}

static void set_timer(void)
{
    u64 first = iommu_fold_deadline();

    for (u32 i = 0; i < iommu_all()->count; i++) {
        if (sources[i].paused && (first == NEVER || (s64)(sources[i].resume - first) < 0))
            first = sources[i].resume;
    }
    if (first != NEVER)
        timer_set(&timer, first);
}

/* In the GIC: the SMMU may not be who raises them. They stay pending. */
static void mask_lines(const struct iommu *u, bool masked)
{
    for (u32 i = 0; i < u->desc->irq_count; i++)
        irq_mask(u->desc->irqs[i].intid, masked);
}

static void pause(u32 index)
{
    struct iommu *u = &iommu_all()->iommus[index];

    mask_lines(u, true);
    spin_lock(&u->lock);
    u->ops->set_fault_irq(u, false);
    spin_unlock(&u->lock);
    sources[index].paused = true;
    sources[index].resume = arch_time_now() + arch_time_from_ns(PAUSE_NS);
}

/*
 * The interrupt is on before the queue is empty: what comes after that raises it. What is read
 * first shows who is still at it; a record of somebody else may be among those that are not.
 */
static void resume(u32 index)
{
    struct iommu *u = &iommu_all()->iommus[index];
    struct source *s = &sources[index];
    struct iommu_fold key = { .iommu = (u8)index, .kind = IOMMU_FOLD_DROPPED };
    u32 n;

    s->taken = serve(index);
    s->idle = 0;
    s->window_start = arch_time_now();
    s->paused = false;
    spin_lock(&u->lock);
    u->ops->set_fault_irq(u, true);
    n = iommu_drop_faults(u);
    spin_unlock(&u->lock);
    mask_lines(u, false);
    s->dropped += n;
    if (n && is_news(&key, n)) {
        key.count = n;
        print_count(&key);
    }
}

/* How many records there were. */
static u32 irq(u32 index)
{
    struct source *s = &sources[index];
    u64 now = arch_time_now();
    u32 n;

    if (s->paused)
        return 0; /* an error of the SMMU itself waits, too */
    if (now - s->window_start >= arch_time_from_ns(WINDOW_NS)) {
        s->window_start = now;
        s->taken = s->idle = 0;
    }
    n = serve(index);
    s->taken += n;
    if (n == RECORDS_AT_ONCE || s->taken > WINDOW_RECORDS)
        pause(index);
    return n;
}

/* Raised, and not by an SMMU; or twice for what was read the first time. */
static void idle_irq(u32 index)
{
    struct source *s = &sources[index];

    if (!s->paused && ++s->idle > WINDOW_IDLE)
        pause(index);
}

static bool has_irq(const struct platform_iommu *desc, u32 intid)
{
    for (u32 i = 0; i < desc->irq_count; i++) {
        if (desc->irqs[i].intid == intid)
            return true;
    }
    return false;
}

bool iommu_irq(u32 intid)
{
    const struct iommu_set *set = iommu_all();
    u32 ours = 0, records = 0;

    for (u32 i = 0; i < set->count; i++) {
        if (!set->iommus[i].driven || !has_irq(set->iommus[i].desc, intid))
            continue;
        ours |= (u32)BIT(i);
        records += irq(i);
    }
    for (u32 i = 0; i < set->count && !records; i++)
        if (ours & BIT(i))
            idle_irq(i);
    if (ours)
        set_timer();
    return ours != 0;
}

void iommu_timer(void)
{
    struct iommu_fold fold;
    u64 now = arch_time_now();

    for (u32 i = 0; i < iommu_all()->count; i++) {
        if (sources[i].paused && (s64)(now - sources[i].resume) >= 0)
            resume(i);
    }
    while (iommu_fold_due(now, &fold))
        print_count(&fold);
    set_timer();
}
