/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel of a planned domain: what its module holds and how much memory it will need.
 * Only the first bytes are looked at, through plan_env's reader; of a gzip'ed kernel they
 * are unpacked first. Runs once for each domain, on the boot CPU or in the host checker.
 */
#include <corbel/plan.h>

#include <corbel/bits.h>
#include <corbel/fdt_read.h>
#include <corbel/gunzip.h>
#include <corbel/printf.h>
#include <corbel/string.h>

static enum corbel_err refuse(const struct plan_env *env, const struct domcfg *cfg, const char *why,
                              struct cfg_error *e)
{
    char path[128], value[48], expected[96];

    fmt_snprintf(value, sizeof(value), "0x%llx+0x%llx", (unsigned long long)cfg->kernel.range.base,
                 (unsigned long long)cfg->kernel.range.size);
    fmt_snprintf(expected, sizeof(expected), "a kernel image: %s", why);
    cfg_error_set(e, fdtr_path_of(env->platform->fdt, cfg->kernel.node, path, sizeof(path)), "reg",
                  value, expected);
    return ERR_FORMAT;
}

/* Decompress just the header of a gzip'ed kernel into head. */
static enum corbel_err unpack_head(const struct plan_env *env, const struct plan *plan, void *work,
                                   u8 *head)
{
    struct gunzip_io io = { .out = head, .out_len = IMAGE_PROBE_SIZE };
    struct gunzip *gunzip = gunzip_start(work);
    enum corbel_err err = ERR_AGAIN;
    u8 input[512];
    u64 pos = 0;

    while (err == ERR_AGAIN && io.out_len && pos < plan->image.size) {
        io.in = input;
        io.in_len = MIN(plan->image.size - pos, sizeof(input));
        env->read(input, plan->cfg.kernel.range.base + plan->image.skip + pos, io.in_len);
        pos += io.in_len;
        err = gunzip_step(gunzip, &io);
    }
    return io.out_len ? ERR_FORMAT : CORBEL_OK;
}

static enum corbel_err gunzip_head(const struct plan_env *env, const struct plan *plan, u8 *head)
{
    u64 size = ALIGN_UP((u64)GUNZIP_WORK_SIZE, PAGE_SIZE);
    void *work = env->alloc(size);
    enum corbel_err err;

    if (!work)
        return ERR_NOMEM;
    err = unpack_head(env, plan, work, head);
    env->free(work, size);
    return err;
}

enum corbel_err plan_probe_kernel(const struct plan_env *env, struct plan *plan,
                                  struct cfg_error *e)
{
    const struct domcfg *cfg = &plan->cfg;
    u64 size = cfg->kernel.range.size;
    u8 head[IMAGE_PROBE_SIZE];
    struct image_info inner;
    const char *why = "";
    enum corbel_err err;

    memset(head, 0, sizeof(head));
    env->read(head, cfg->kernel.range.base, MIN(size, sizeof(head)));
    if (image_probe(head, MIN(size, sizeof(head)), size, &plan->image, &why) != CORBEL_OK)
        return refuse(env, cfg, why, e);
    plan->kernel_mem = plan->image.mem_size;
    if (plan->image.format != IMAGE_GZIP)
        return CORBEL_OK;
    err = gunzip_head(env, plan, head);
    if (err != CORBEL_OK)
        return refuse(env, cfg,
                      err == ERR_NOMEM ? "no memory is left to look into its gzip data"
                                       : "its gzip data is damaged",
                      e);
    if (image_probe(head, sizeof(head), ~0ull >> 1, &inner, &why) != CORBEL_OK ||
        inner.format == IMAGE_GZIP || inner.uimage)
        return refuse(env, cfg, "what is compressed is not an arm64 Image", e);
    plan->kernel_mem = inner.mem_size;
    plan->image.text_offset = inner.text_offset;
    return CORBEL_OK;
}
