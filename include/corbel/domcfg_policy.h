/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORBEL_DOMCFG_POLICY_H
#define CORBEL_DOMCFG_POLICY_H

#include <corbel/compiler.h>
#include <corbel/domcfg.h>
#include <corbel/err.h>

/*
 * passthrough, corbel,no-iommu, corbel,on-dma-fault, corbel,on-reboot, corbel,on-crash,
 * corbel,restart-limit, corbel,watchdog, corbel,pmu and corbel,debug-hook of a domain's node; part
 * of domcfg_parse().
 */
enum corbel_err domcfg_policy_parse(const struct platform *p, struct domcfg *cfg,
                                    struct cfg_error *e) __must_check;

#endif
