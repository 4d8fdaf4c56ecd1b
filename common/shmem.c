/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Static shared memory: which id has which frames, and how many domains use them. One
 * table, one lock (RANK_ASSIGN). Frames are taken, scrubbed and freed without the lock,
 * which may take long; meanwhile the id is marked as changing and nobody else's.
 */
#include <corbel/shmem.h>

#include <arch/spinlock.h>
#include <corbel/bits.h>
#include <corbel/page.h>
#include <corbel/panic.h>
#include <corbel/string.h>

#define SCRUB_STEP SZ_64K

struct share {
    char id[SHM_ID_SIZE]; /* "": a free slot */
    u64 size;
    pa_t pa;
    u64 left; /* to scrub, when there are no users any more */
    u32 users;
    bool changing; /* one CPU brings it up or takes it down */
};

/* All of it under lock. */
static struct {
    spinlock_t lock;
    struct share shares[SHMEM_MAX];
} book = { .lock = SPINLOCK_INIT(RANK_ASSIGN) };

/* "" finds a free slot. */
static struct share *find(const char *id)
{
    for (u32 i = 0; i < SHMEM_MAX; i++)
        if (strcmp(book.shares[i].id, id) == 0)
            return &book.shares[i];
    return NULL;
}

/* A user more for a share that is there, or a slot, marked as changing, for a new one. */
static enum corbel_err join(const struct domcfg_shm *shm, struct share **out)
{
    struct share *s = find(shm->id);

    if (s && s->changing)
        return ERR_AGAIN;
    if (s && s->size != shm->size)
        return ERR_INVAL;
    if (!s) {
        s = find("");
        if (!s)
            return ERR_NOMEM;
        *s = (struct share){ .size = shm->size, .changing = true };
        str_copy(s->id, shm->id, sizeof(s->id));
    }
    s->users++;
    *out = s;
    return CORBEL_OK;
}

/* Static frames were never the allocator's. */
static enum corbel_err take_frames(const struct domcfg_shm *shm, pa_t *out)
{
    if (!shm->has_hpa)
        return page_alloc_range(shm->size, shm->size >= SZ_2M ? SZ_2M : PAGE_SIZE, out);
    *out = PA(shm->hpa);
    return CORBEL_OK;
}

static enum corbel_err bring_up(const struct domcfg_shm *shm, struct share *s, pa_t *out)
{
    enum corbel_err err = take_frames(shm, out);

    if (err == CORBEL_OK)
        page_scrub(*out, shm->size);
    spin_lock(&book.lock);
    if (err == CORBEL_OK) {
        s->pa = *out;
        s->changing = false;
    } else {
        *s = (struct share){ 0 };
    }
    spin_unlock(&book.lock);
    return err;
}

__init enum corbel_err shmem_get(const struct domcfg_shm *shm, pa_t *out)
{
    struct share *s = NULL;
    enum corbel_err err;
    bool is_new;

    if (!shm->id[0] || !shm->size)
        return ERR_INVAL;
    spin_lock(&book.lock);
    err = join(shm, &s);
    is_new = err == CORBEL_OK && s->changing;
    if (err == CORBEL_OK)
        *out = s->pa;
    spin_unlock(&book.lock);
    return is_new ? bring_up(shm, s, out) : err;
}

/* One user less. True: it was the last one, and the id is the caller's until it is gone. */
static bool leave(struct share *s)
{
    CORBEL_ASSERT(s && (s->changing ? !s->users && s->left : s->users));
    if (s->changing) /* begun in a step before */
        return true;
    s->changing = --s->users == 0;
    s->left = s->size;
    return s->changing;
}

bool shmem_put_step(const struct domcfg_shm *shm)
{
    struct share *s;
    bool last;
    u64 part;

    spin_lock(&book.lock);
    s = find(shm->id);
    last = leave(s);
    spin_unlock(&book.lock);
    if (!last)
        return true;
    part = MIN(s->left, SCRUB_STEP);
    s->left -= part;
    page_scrub(pa_add(s->pa, s->left), part);
    if (s->left)
        return false;
    if (!shm->has_hpa)
        page_free_range(s->pa, s->size);
    spin_lock(&book.lock);
    *s = (struct share){ 0 };
    spin_unlock(&book.lock);
    return true;
}

void shmem_put(const struct domcfg_shm *shm)
{
    while (!shmem_put_step(shm))
        ;
}
