/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORBEL_DOMCFG_MODULES_H
#define CORBEL_DOMCFG_MODULES_H

#include <corbel/compiler.h>
#include <corbel/domcfg.h>
#include <corbel/err.h>

/*
 * The boot modules of a domain: find the children of cfg->node that are modules,
 * settle which is kernel, ramdisk and device tree (untyped ones by order), and
 * check their ranges against the machine and all other modules. Fills cfg->kernel,
 * ->ramdisk, ->dtb and ->bootargs; part of domcfg_parse().
 *
 * Identical ranges are shared. Where the ranges of two domains' modules overlap in
 * part, exactly one of the two domains is refused: the one whose module runs into
 * more others; on a tie the one that starts inside the other, or is longer.
 */
enum corbel_err domcfg_modules_parse(const struct platform *p, struct domcfg *cfg,
                                     struct cfg_error *e) __must_check;

#endif
