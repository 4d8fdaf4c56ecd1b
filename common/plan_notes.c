/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is worth a line about a plan that works: fallbacks of the vPL011, and what keeps the
 * domain's devices to its memory, or does not. For the boot log and the host checker.
 */
#include <corbel/plan.h>

#include <corbel/printf.h>
#include <corbel/string.h>

static const char *uart_note_text(enum plan_uart_note note)
{
    switch (note) {
    case PLAN_UART_NO_PAGE:
        return "vPL011 not at the host's address: the host has no UART on a page of its own";
    case PLAN_UART_TAKEN:
        return "vPL011 not at the host's address: a device of this domain is there";
    case PLAN_UART_NO_SPI:
        return "vPL011 without the host's interrupt: the host's UART has no SPI";
    case PLAN_UART_SPI_TAKEN:
        return "vPL011 without the host's interrupt: a device of this domain has it";
    case PLAN_UART_SPI_RANGE:
        return "vPL011 without the host's interrupt: nr_spis is too small for it";
    default:
        return NULL;
    }
}

/* What is before a device that is given away all the same; "" when there is nothing. */
static void undriven_text(const struct plan *plan, const struct passdt_device *device, char *buf,
                          size_t size)
{
    const struct platform_iommu *iommu;

    buf[0] = '\0';
    if (device->undriven < 0)
        return;
    iommu = &plan->platform->iommus[device->undriven];
    fmt_snprintf(buf, size, " (%s is not driven%s%s)", iommu->path, iommu->why ? ": " : "",
                 iommu->why ? iommu->why : "");
}

/* False: its DMA is confined. */
static bool unconfined(const struct plan *plan, const struct passdt_device *device, char *buf,
                       size_t size)
{
    const char *reach = plan->cfg.direct_map ? "reaches all of the host's memory"
                                             : "goes to host addresses, not to the domain's";
    char undriven[112];

    if (device->partly) {
        fmt_snprintf(buf, size, "WARNING: %s: no IOMMU sees requester ID 0x%x: its DMA %s",
                     device->name, device->gap, reach);
    } else if (device->stray && device->protection == PASSDT_BY_SMMU) {
        fmt_snprintf(buf, size,
                     "WARNING: %s has registers of no node, or of another one: DMA that "
                     "they start %s unless an IOMMU keeps it",
                     device->name, reach);
    } else if (device->protection == PASSDT_BYPASS) {
        fmt_snprintf(buf, size, "WARNING: %s passes its IOMMU UNTRANSLATED: its DMA %s",
                     device->name, reach);
    } else if (device->protection == PASSDT_FORCED) {
        undriven_text(plan, device, undriven, sizeof(undriven));
        fmt_snprintf(buf, size, "WARNING: %s is given away WITHOUT AN IOMMU%s: its DMA %s",
                     device->name, undriven, reach);
    } else {
        return false;
    }
    return true;
}

static bool device_note(const struct plan *plan, u32 nth, char *buf, size_t size)
{
    for (u32 i = 0; i < plan->pass.device_count; i++)
        if (unconfined(plan, &plan->pass.devices[i], buf, size) && nth-- == 0)
            return true;
    return false;
}

/* RAM that was named by address may lie where the domain's devices do not reach. */
static bool is_beyond_dma(const struct plan *plan)
{
    for (u32 i = 0; plan->pass.dma_limit && plan->cfg.direct_map && i < plan->bank_count; i++)
        if (plan->banks[i].base + plan->banks[i].size > plan->pass.dma_limit)
            return true;
    return false;
}

bool plan_note(const struct plan *plan, u32 index, char *buf, size_t size)
{
    const char *text = uart_note_text((enum plan_uart_note)plan->uart_note);

    if (text && index-- == 0) {
        fmt_snprintf(buf, size, "%s", text);
        return true;
    }
    if (is_beyond_dma(plan) && index-- == 0) {
        fmt_snprintf(buf, size, "WARNING: its devices reach only RAM below 0x%llx",
                     (unsigned long long)plan->pass.dma_limit);
        return true;
    }
    if (plan_msi_note(plan, buf, size) && index-- == 0)
        return true;
    return device_note(plan, index, buf, size);
}

/* ---- devices behind SMMUs ---- */

/* False: no room; the text ends in "..." then. */
static bool append(char *buf, size_t size, const char *text)
{
    size_t used = strlen(buf), len = strlen(text);

    if (used + len + sizeof("...") > size) {
        fmt_snprintf(buf + used, size - used, "...");
        return false;
    }
    memcpy(buf + used, text, len + 1);
    return true;
}

bool plan_streams_text(const struct plan *plan, u32 device, char *buf, size_t size)
{
    const struct passdt *pass = &plan->pass;
    u32 last = PLATFORM_IOMMU_MAX; /* none */
    char text[112], streams[32];

    buf[0] = '\0';
    for (u32 i = 0; i < pass->stream_count; i++) {
        const struct iommu_map_entry *entry = &pass->streams[i].entry;

        if (pass->streams[i].device != device)
            continue;
        iommu_map_text(entry, streams, sizeof(streams));
        if (entry->iommu == last)
            fmt_snprintf(text, sizeof(text), ", %s", streams);
        else
            fmt_snprintf(text, sizeof(text), "%s%s, streams %s", buf[0] ? "; " : "",
                         plan->platform->iommus[entry->iommu].path, streams);
        if (!append(buf, size, text))
            return true;
        last = entry->iommu;
    }
    return buf[0] != '\0';
}

bool plan_protection(const struct plan *plan, u32 index, char *buf, size_t size)
{
    const struct passdt *pass = &plan->pass;
    char text[160];

    for (u32 i = 0; i < pass->device_count; i++) {
        if (pass->devices[i].protection != PASSDT_BY_SMMU || index-- != 0)
            continue;
        if (!plan_streams_text(plan, i, text, sizeof(text)))
            fmt_snprintf(text, sizeof(text), "an IOMMU, all streams as of a device before it");
        fmt_snprintf(buf, size, "%s: behind %s", pass->devices[i].name, text);
        return true;
    }
    return false;
}
