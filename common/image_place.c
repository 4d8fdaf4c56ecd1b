/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a guest's kernel, device tree and ramdisk go in its RAM: by sizes only, before
 * any of it is loaded. Rules of Linux Documentation/arch/arm64/booting.rst (kernel 2 MiB
 * aligned plus text_offset, tree of at most 2 MiB, ramdisk best near the kernel) and of
 * Xen (addresses that boot scripts rely on). A direct-map domain may have many banks,
 * and none of them needs to hold everything. Pure.
 */
#include <corbel/image.h>

#include <corbel/bits.h>
#include <corbel/string.h>

#define KERNEL_ALIGN SZ_2M
#define DTB_ALIGN    SZ_2M
#define DTB_OFFSET   (128 * SZ_1M) /* where Xen puts it, and boot loaders' scripts look for it */

static const char no_ram[] = "RAM at the kernel's load address";
static const char no_room[] = "room for kernel, device tree and ramdisk";

/* Free RAM [base, end). */
struct gap {
    u64 base, end;
};

/* What is to be placed beside the kernel. */
struct item {
    u64 size, align;
    u64 at;
};

/* RAM with the kernel in bank home. */
struct layout {
    const struct mem_range *banks;
    u32 count;
    u32 home;
    u64 kernel, kernel_end;
};

static enum corbel_err refuse(const char **why, const char *reason)
{
    *why = reason;
    return ERR_FORMAT;
}

/* Take size bytes from the top of the gap, aligned; false when they do not fit. */
static bool gap_take_top(struct gap *gap, struct item *item)
{
    u64 base;

    if (item->size > gap->end - gap->base)
        return false;
    base = ALIGN_DOWN(gap->end - item->size, item->align);
    if (base < gap->base)
        return false;
    gap->end = base;
    item->at = base;
    return true;
}

/*
 * The n-th gap, of count + 1, in the order in which they are tried: behind the kernel, the
 * banks above it, before the kernel, the banks below.
 */
static struct gap gap_at(const struct layout *l, u32 n)
{
    const struct mem_range *bank = &l->banks[l->home];
    u32 above = l->count - l->home;

    if (n == 0)
        return (struct gap){ l->kernel_end, bank->base + bank->size };
    if (n == above)
        return (struct gap){ bank->base, l->kernel };
    bank = n < above ? &l->banks[l->home + n] : &l->banks[n - above - 1];
    return (struct gap){ bank->base, bank->base + bank->size };
}

/* The first of the two as high as possible in the first gap that leaves room for the second. */
static bool place_both(const struct layout *l, struct item *first, struct item *second)
{
    for (u32 i = 0; i <= l->count; i++) {
        struct gap left = gap_at(l, i);

        if (!gap_take_top(&left, first))
            continue;
        for (u32 j = 0; j <= l->count; j++) {
            struct gap gap = i == j ? left : gap_at(l, j);

            if (gap_take_top(&gap, second))
                return true;
        }
    }
    return false;
}

/* In small gaps the DTB shares its 2 MiB with others, but never crosses into the next 2 MiB. */
static u64 tight_dtb_align(u64 dtb_size)
{
    u64 align = PAGE_SIZE;

    while (align < dtb_size && align < DTB_ALIGN)
        align *= 2;
    return align;
}

/* Ramdisk as high as possible, DTB below it; the other way round when only that fits. */
static bool place_high(const struct layout *l, const struct image_want *want,
                       struct image_place *out)
{
    const u64 aligns[] = { DTB_ALIGN, tight_dtb_align(want->dtb_size) };

    for (u32 i = 0; i < ARRAY_SIZE(aligns); i++) {
        struct item ramdisk = { .size = want->ramdisk_size, .align = PAGE_SIZE };
        struct item dtb = { .size = MAX(want->dtb_size, 1), .align = aligns[i] };

        if (!place_both(l, &ramdisk, &dtb) && !place_both(l, &dtb, &ramdisk))
            continue;
        out->dtb = dtb.at;
        out->ramdisk = ramdisk.at;
        return true;
    }
    return false;
}

/* DTB at 128 MiB and the ramdisk 2 MiB units behind it, when all of it is free. */
static bool place_at_128m(const struct layout *l, const struct image_want *want,
                          struct image_place *out)
{
    u64 dtb_area = ALIGN_UP(MAX(want->dtb_size, 1), DTB_ALIGN);
    u64 base = ALIGN_UP(l->banks[l->home].base, KERNEL_ALIGN) + DTB_OFFSET;
    struct gap after = gap_at(l, 0);

    if (base < after.base || base > after.end || dtb_area > after.end - base ||
        want->ramdisk_size > after.end - base - dtb_area)
        return false;
    out->dtb = base;
    out->ramdisk = base + dtb_area;
    return true;
}

/* The kernel in bank home; its end too. */
static enum corbel_err place_kernel(struct layout *l, const struct image_want *want,
                                    const char **why)
{
    const struct mem_range *bank = &l->banks[l->home];
    const struct image_info *info = want->info;
    u64 size = MAX(want->kernel_size, 1);
    u64 offset; /* from the bank's base: cannot wrap, unlike addresses */

    if (info->fixed) {
        if (info->load_addr < bank->base || info->load_addr - bank->base >= bank->size)
            return refuse(why, no_ram);
        offset = info->load_addr - bank->base;
    } else {
        u64 pad = ALIGN_UP(bank->base, KERNEL_ALIGN) - bank->base;

        if (info->text_offset > bank->size || pad > bank->size - info->text_offset)
            return refuse(why, no_room);
        offset = pad + info->text_offset;
    }
    if (size > bank->size - offset)
        return refuse(why, no_room);
    l->kernel = bank->base + offset;
    l->kernel_end = l->kernel + size;
    return CORBEL_OK;
}

static void place_done(const struct layout *l, const struct image_want *want,
                       struct image_place *out)
{
    out->kernel = l->kernel;
    out->entry = l->kernel + want->info->entry_offset;
    if (!want->ramdisk_size)
        out->ramdisk = 0;
}

/* All of it in bank home, or, spread, the kernel there and the rest in any. */
static enum corbel_err place_from(const struct layout *all, bool spread,
                                  const struct image_want *want, struct image_place *out,
                                  const char **why)
{
    struct layout l = *all;
    enum corbel_err err;

    if (!spread) {
        l.banks += l.home;
        l.count = 1;
        l.home = 0;
    }
    err = place_kernel(&l, want, why);
    if (err != CORBEL_OK)
        return err;
    if ((spread || !place_at_128m(&l, want, out)) && !place_high(&l, want, out))
        return refuse(why, no_room);
    place_done(&l, want, out);
    return CORBEL_OK;
}

enum corbel_err image_place_banks(const struct mem_range *banks, u32 count,
                                  const struct image_want *want, struct image_place *out,
                                  const char **why)
{
    struct layout all = { .banks = banks, .count = count };
    const char *reason = want->info->fixed ? no_ram : no_room;

    memset(out, 0, sizeof(*out));
    *why = "";
    if (want->dtb_size > DTB_ALIGN)
        return refuse(why, "a device tree of at most 2 MiB");
    if (want->info->entry_offset >= MAX(want->kernel_size, 1))
        return refuse(why, "an entry point inside the kernel");
    for (u32 i = 0; i < 2 * count; i++) {
        const char *here = "";

        all.home = i % count;
        if (place_from(&all, i >= count, want, out, &here) == CORBEL_OK)
            return CORBEL_OK;
        if (here == no_room) /* says more than that a load address is in another bank */
            reason = no_room;
    }
    return refuse(why, reason);
}

enum corbel_err image_place(u64 bank_base, u64 bank_size, const struct image_want *want,
                            struct image_place *out, const char **why)
{
    struct mem_range bank = { bank_base, bank_size };

    return image_place_banks(&bank, 1, want, out, why);
}
