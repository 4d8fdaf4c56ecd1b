/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kernel and ramdisk from their modules into guest RAM, in pieces short enough for one
 * step. Source and destination are each seen through a window of their own; what was
 * written is cleaned to the PoC, because the guest starts with its MMU off.
 */
#include <corbel/build_job.h>

#include <arch/cache.h>
#include <arch/mmu.h>
#include <corbel/bits.h>
#include <corbel/domain.h>
#include <corbel/fdt_read.h>
#include <corbel/p2m.h>
#include <corbel/platform.h>
#include <corbel/printf.h>
#include <corbel/string.h>

#define COPY_STEP   (128 * 1024u) /* about 20,000 instructions */
#define GUNZIP_STEP (8 * 1024u)

/* Bytes from pa to the end of its 2 MiB window. */
static u64 in_window(u64 pa)
{
    return SZ_2M - (pa & (SZ_2M - 1));
}

void build_read_phys(void *dst, u64 pa, u64 size)
{
    u8 *out = dst;

    while (size) {
        u64 n = MIN(size, in_window(pa));

        memcpy(out, arch_window_open(WINDOW_LARGE_A, PA(pa), EL2_RODATA), n);
        arch_window_close(WINDOW_LARGE_A);
        out += n;
        pa += n;
        size -= n;
    }
}

static enum corbel_err refuse_kernel(const struct platform *p, const struct domcfg *cfg,
                                     const char *why, struct cfg_error *e)
{
    char path[128], value[48], expected[96];

    fmt_snprintf(value, sizeof(value), "0x%llx+0x%llx", (unsigned long long)cfg->kernel.range.base,
                 (unsigned long long)cfg->kernel.range.size);
    fmt_snprintf(expected, sizeof(expected), "a kernel image: %s", why);
    cfg_error_set(e, fdtr_path_of(p->fdt, cfg->kernel.node, path, sizeof(path)), "reg", value,
                  expected);
    return ERR_FORMAT;
}

/* Decompress just the header of a gzip'ed kernel into head. */
static enum corbel_err gunzip_head(const struct domcfg *cfg, struct build_job *job, u8 *head)
{
    u8 input[512];
    struct gunzip_io io = { .in = input, .in_len = 0, .out = head, .out_len = IMAGE_PROBE_SIZE };
    u64 pos = 0;
    enum corbel_err err = ERR_AGAIN;

    job->gunzip = gunzip_start(job->work);
    while (err == ERR_AGAIN && io.out_len && pos < job->image.size) {
        io.in = input;
        io.in_len = MIN(job->image.size - pos, sizeof(input));
        build_read_phys(input, cfg->kernel.range.base + job->image.skip + pos, io.in_len);
        pos += io.in_len;
        err = gunzip_step(job->gunzip, &io);
    }
    return io.out_len ? ERR_FORMAT : CORBEL_OK;
}

enum corbel_err build_probe_kernel(const struct platform *p, const struct domcfg *cfg,
                                   struct build_job *job, struct cfg_error *e)
{
    u8 head[IMAGE_PROBE_SIZE];
    u64 size = cfg->kernel.range.size;
    struct image_info inner;
    const char *why = "";

    memset(head, 0, sizeof(head));
    build_read_phys(head, cfg->kernel.range.base, MIN(size, sizeof(head)));
    if (image_probe(head, MIN(size, sizeof(head)), size, &job->image, &why) != CORBEL_OK)
        return refuse_kernel(p, cfg, why, e);
    job->kernel_mem = job->image.mem_size;
    if (job->image.format != IMAGE_GZIP)
        return CORBEL_OK;
    if (gunzip_head(cfg, job, head) != CORBEL_OK)
        return refuse_kernel(p, cfg, "its gzip data is damaged", e);
    if (image_probe(head, sizeof(head), ~0ull >> 1, &inner, &why) != CORBEL_OK ||
        inner.format == IMAGE_GZIP || inner.uimage)
        return refuse_kernel(p, cfg, "what is compressed is not an arm64 Image", e);
    job->kernel_mem = inner.mem_size;
    job->image.text_offset = inner.text_offset;
    return CORBEL_OK;
}

/* Copy n bytes; both sides stay within one window and one bank. */
static enum corbel_err copy(struct domain *d, u64 dst, u64 src, u64 *n)
{
    u64 room;
    pa_t pa;
    void *to;

    if (p2m_ram_at(&d->p2m, IPA(dst), &pa, &room) != CORBEL_OK)
        return ERR_RANGE;
    *n = MIN(MIN(*n, room), MIN(in_window(pa.v), in_window(src)));
    to = arch_window_open(WINDOW_LARGE_B, pa, EL2_DATA);
    arch_copy(to, arch_window_open(WINDOW_LARGE_A, PA(src), EL2_RODATA), *n);
    arch_window_close(WINDOW_LARGE_A);
    arch_cache_clean(to, *n);
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
    u64 src = d->cfg->kernel.range.base + job->image.skip + job->gz_in;
    u64 in_len = MIN(job->image.size - job->gz_in, in_window(src));
    struct gunzip_io io;
    u64 room, out_len;
    enum corbel_err err;
    pa_t pa;
    u8 *to;

    if (p2m_ram_at(&d->p2m, IPA(job->place.kernel + job->pos), &pa, &room) != CORBEL_OK ||
        job->pos >= job->kernel_mem)
        return ERR_FORMAT; /* more data than its own header announced */
    out_len = MIN(MIN(room, in_window(pa.v)), GUNZIP_STEP);
    to = arch_window_open(WINDOW_LARGE_B, pa, EL2_DATA);
    io = (struct gunzip_io){ .in = arch_window_open(WINDOW_LARGE_A, PA(src), EL2_RODATA),
                             .in_len = in_len,
                             .out = to,
                             .out_len = out_len };
    err = gunzip_step(job->gunzip, &io);
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
    struct mem_range src = { d->cfg->kernel.range.base + job->image.skip, job->image.size };

    if (job->image.format != IMAGE_GZIP)
        return copy_step(d, job, job->place.kernel, &src);
    if (job->pos == 0 && job->gz_in == 0)
        job->gunzip = gunzip_start(job->work); /* the probe used it before */
    return gunzip_piece(d, job);
}

enum corbel_err build_load_ramdisk(struct domain *d, struct build_job *job)
{
    return copy_step(d, job, job->place.ramdisk, &d->cfg->ramdisk.range);
}
