/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The payload's GIC, version 2 or 3 as the tree says, behind one interface.
 * SGIs and PPIs mean those of the calling vCPU. Interrupts are group 1 where groups can be set.
 */
#ifndef GUEST_GIC_H
#define GUEST_GIC_H

#include "lib.h"

#define GIC_SPURIOUS 1020U

#define GICD_CTLR       0x000U
#define GICD_TYPER      0x004U
#define GICD_IIDR       0x008U
#define GICD_IGROUPR    0x080U
#define GICD_ISENABLER  0x100U
#define GICD_ICENABLER  0x180U
#define GICD_ISPENDR    0x200U
#define GICD_ICPENDR    0x280U
#define GICD_ISACTIVER  0x300U
#define GICD_ICACTIVER  0x380U
#define GICD_IPRIORITYR 0x400U
#define GICD_ITARGETSR  0x800U
#define GICD_ICFGR      0xc00U
#define GICD_SGIR       0xf00U
#define GICD_CPENDSGIR  0xf10U
#define GICD_SPENDSGIR  0xf20U
#define GICD_IROUTER    0x6000U
#define GICR_SGI_FRAME  0x10000U

#define GICC_CTLR  0x00U
#define GICC_PMR   0x04U
#define GICC_BPR   0x08U
#define GICC_IAR   0x0cU
#define GICC_EOIR  0x10U
#define GICC_RPR   0x14U
#define GICC_HPPIR 0x18U
#define GICC_DIR   0x1000U

void gic_init(void);
void gic_init_cpu(void);
unsigned int gic_version(void);
uintptr_t gic_dist(void);
/* GICv2: the CPU interface; GICv3: this vCPU's redistributor. */
uintptr_t gic_cpu_frame(void);
unsigned int gic_spi_count(void);

/* The one-bit-per-interrupt registers, by their distributor offset. */
bool gic_bit(unsigned int reg, unsigned int intid);
void gic_write_bit(unsigned int reg, unsigned int intid);
/* The register word that holds INTID's bit. */
uintptr_t gic_word(unsigned int reg, unsigned int intid);

void gic_enable(unsigned int intid);
void gic_disable(unsigned int intid);
void gic_set_priority(unsigned int intid, uint8_t priority);
uint8_t gic_priority(unsigned int intid);
void gic_set_edge(unsigned int intid, bool edge);
bool gic_is_edge(unsigned int intid);
/* Send an SPI to one vCPU. */
void gic_route(unsigned int intid, unsigned int cpu);

uint32_t gic_ack(void);
void gic_eoi(uint32_t iar);
void gic_deactivate(uint32_t iar);
unsigned int gic_intid(uint32_t iar);
unsigned int gic_source(uint32_t iar);
uint32_t gic_running_priority(void);
uint32_t gic_highest_pending(void);
void gic_set_mask(uint8_t priority);
void gic_set_group_enable(bool on);
void gic_set_split_eoi(bool on);
void gic_set_dist_enable(bool on);

void gic_send_sgi(unsigned int sgi, unsigned int cpu);
void gic_send_sgi_others(unsigned int sgi);
/* Acknowledge one that must come, retrying for WAIT_MS. GIC_SPURIOUS.. if none has. */
uint32_t gic_ack_wait(void);

#endif
