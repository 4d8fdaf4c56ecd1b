/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_stage2.h"

#include <arch/stage2.h>

#include <asm/features.h>
#include <asm/stage2.h>

struct cpu_features fake_features = { .pa_range = 5, .vmid16 = true };
void (*fake_tlb_hook)(const struct stage2 *s2, const struct stage2_inval *inval);
u32 fake_tlb_syncs, fake_tlb_flushes;
const struct stage2 *fake_stage2_loaded;

const struct cpu_features *cpu_features(void)
{
    return &fake_features;
}

void stage2_tlb_sync(const struct stage2 *s2, const struct stage2_inval *inval)
{
    fake_tlb_syncs++;
    if (inval->count || inval->all)
        fake_tlb_flushes++;
    if (fake_tlb_hook)
        fake_tlb_hook(s2, inval);
}

void stage2_load(const struct stage2 *s2)
{
    fake_stage2_loaded = s2;
}

void stage2_flush_local(void)
{
}

bool stage2_translate_s1(u64 gva, ipa_t *out)
{
    *out = IPA(gva);
    return true;
}
