/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kernel and ramdisk from their modules into guest RAM, in pieces short enough for one
 * step. Source and destination are each seen through a window of their own; what was
 * written is cleaned to the PoC, because the guest starts with its MMU off.
 */
#include <corbel/build.h>
#include <corbel/build_job.h>

#include <arch/cache.h>
#include <arch/io.h>
#include <arch/mmu.h>
#include <arch/stage2.h>
#include <corbel/bits.h>
#include <corbel/domain.h>
#include <corbel/domdtb.h>
#include <corbel/drbg.h>
#include <corbel/irq.h>
#include <corbel/p2m.h>
#include <corbel/plan.h>
#include <corbel/string.h>

#define COPY_STEP   (128 * 1024u) /* about 15,000 instructions, and as long as its memory takes */
#define GUNZIP_STEP (8 * 1024u)

static const struct platform *host; /* for plans and guest trees; set once at boot */

void build_set_platform(const struct platform *p)
{
    host = p;
}

const struct platform *build_platform(void)
{
    return host;
}

void build_read_phys(void *dst, u64 pa, u64 size)
{
    u8 *out = dst;

    while (size) {
        u64 n = arch_window_part(pa, size);

        memcpy(out, arch_window_open_range(WINDOW_LARGE_A, PA(pa), n, EL2_RODATA), n);
        arch_window_close(WINDOW_LARGE_A);
        out += n;
        pa += n;
        size -= n;
    }
}

/* 32 bits of a device that EL2 does not drive; 0 where the bus answers with an error. */
static u32 read_register(u64 pa)
{
    u64 value = 0;
    uintptr_t va = (uintptr_t)arch_window_open(WINDOW_SMALL_1, PA(pa), EL2_DEVICE);

    if (!arch_io_try_read(va, sizeof(u32), &value))
        value = 0;
    arch_window_close(WINDOW_SMALL_1);
    return (u32)value;
}

/* The hypervisor's side of planning: modules by window, memory from the heap. */
void build_plan_env(struct plan_env *env)
{
    *env = (struct plan_env){ .platform = host,
                              .read = build_read_phys,
                              .alloc = heap_alloc,
                              .free = heap_free,
                              .read_register = read_register,
                              .ipa_bits_max = stage2_ipa_bits_max(),
                              .line_count = gic->line_count() };
}

/* Copy n bytes; both sides stay within one window and one bank. */
static enum corbel_err copy(struct domain *d, u64 dst, u64 src, u64 *n)
{
    u64 room;
    pa_t pa;
    void *to;

    if (p2m_ram_at(&d->p2m, IPA(dst), &pa, &room) != CORBEL_OK)
        return ERR_RANGE;
    *n = arch_window_part(src, arch_window_part(pa.v, MIN(*n, room)));
    to = arch_window_open_range(WINDOW_LARGE_B, pa, *n, EL2_DATA);
    arch_copy_clean(to, arch_window_open_range(WINDOW_LARGE_A, PA(src), *n, EL2_RODATA), *n);
    arch_window_close(WINDOW_LARGE_A);
    arch_window_close(WINDOW_LARGE_B);
    return CORBEL_OK;
}

static enum corbel_err copy_step(struct domain *d, struct build_job *job, u64 dst,
                                 const struct mem_range *src)
{
    u64 n = MIN(src->size - job->pos, COPY_STEP);
    enum corbel_err err;

    if (job->pos == src->size)
        return CORBEL_OK;
    err = copy(d, dst + job->pos, src->base + job->pos, &n);
    if (err != CORBEL_OK)
        return err;
    job->pos += n;
    return job->pos == src->size ? CORBEL_OK : ERR_AGAIN;
}

static enum corbel_err gunzip_piece(struct domain *d, struct build_job *job)
{
    u64 src = d->cfg->kernel.range.base + d->plan->image.skip + job->gz_in;
    u64 in_len = arch_window_part(src, d->plan->image.size - job->gz_in);
    struct gunzip_io io;
    u64 room, out_len;
    enum corbel_err err;
    pa_t pa;
    u8 *to;

    if (p2m_ram_at(&d->p2m, IPA(d->plan->place.kernel + job->pos), &pa, &room) != CORBEL_OK ||
        job->pos >= d->plan->kernel_mem)
        return ERR_FORMAT; /* more data than its own header announced */
    out_len = arch_window_part(pa.v, MIN(room, GUNZIP_STEP));
    to = arch_window_open_range(WINDOW_LARGE_B, pa, out_len, EL2_DATA);
    io = (struct gunzip_io){ .in = to, .in_len = in_len, .out = to, .out_len = out_len };
    if (in_len) /* else all was read, and the rest is in zlib's own window */
        io.in = arch_window_open_range(WINDOW_LARGE_A, PA(src), in_len, EL2_RODATA);
    err = gunzip_step(job->gunzip, &io);
    if (in_len)
        arch_window_close(WINDOW_LARGE_A);
    arch_cache_clean(to, out_len - io.out_len);
    arch_window_close(WINDOW_LARGE_B);
    if (err == ERR_AGAIN && io.in_len == in_len && io.out_len == out_len)
        return ERR_FORMAT; /* no progress: the data ends too early */
    job->gz_in += in_len - io.in_len;
    job->pos += out_len - io.out_len;
    return err;
}

enum corbel_err build_load_kernel(struct domain *d, struct build_job *job)
{
    struct mem_range src = { d->cfg->kernel.range.base + d->plan->image.skip, d->plan->image.size };

    if (d->plan->image.format != IMAGE_GZIP)
        return copy_step(d, job, d->plan->place.kernel, &src);
    if (job->pos == 0 && job->gz_in == 0)
        job->gunzip = gunzip_start(job->work); /* the probe used it before */
    return gunzip_piece(d, job);
}

enum corbel_err build_load_ramdisk(struct domain *d, struct build_job *job)
{
    return copy_step(d, job, d->plan->place.ramdisk, &d->cfg->ramdisk.range);
}

/* Whole pages of a range that begins at guest address to. */
static u64 covers(u64 to, u64 size, u64 ipa, u64 *n)
{
    u64 from = ALIGN_UP(to, PAGE_SIZE), end = ALIGN_DOWN(to + size, PAGE_SIZE);

    if (ipa >= from && ipa < end)
        return end - ipa;
    if (ipa < from && from < end)
        *n = MIN(*n, from - ipa);
    return 0;
}

u64 build_load_covers(const struct domain *d, u64 ipa, u64 *n)
{
    const struct plan *p = d->plan;
    u64 kernel = p->image.format == IMAGE_GZIP ? 0 : p->image.size; /* of the packed one */
    u64 got = covers(p->place.kernel, kernel, ipa, n);

    return got ? got : covers(p->place.ramdisk, d->cfg->ramdisk.range.size, ipa, n);
}

/* What EL2 wrote is in its caches: the guest reads it first with its own switched off. */
static void clean_range(struct domain *d, ipa_t ipa, u64 size)
{
    for (u64 done = 0; done < size;) {
        u64 at = ipa.v + done, room, part;
        pa_t pa;

        if (p2m_ram_at(&d->p2m, IPA(at), &pa, &room) != CORBEL_OK)
            return;
        part = MIN(size - done, room);
        page_clean(pa, part);
        done += part;
    }
}

void build_dtb_free(struct domain *d)
{
    if (d->dtb.blob)
        heap_free(d->dtb.blob, d->dtb.room);
    d->dtb.blob = NULL;
}

/* The guest's tree, with fresh seeds, to its place in RAM. */
enum corbel_err build_load_dtb(struct domain *d)
{
    ipa_t at = IPA(d->plan->place.dtb);
    enum corbel_err err;

    drbg_bytes(d->dtb.blob + d->dtb.seed_at[0], DOMDTB_RNG_SEED_SIZE);
    drbg_bytes(d->dtb.blob + d->dtb.seed_at[1], DOMDTB_KASLR_SEED_SIZE);
    err = p2m_copy_to(&d->p2m, at, d->dtb.blob, d->dtb.size);
    if (err == CORBEL_OK)
        clean_range(d, at, d->dtb.size);
    return err;
}
