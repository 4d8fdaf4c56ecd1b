/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The list of drivers in this build: kinds of hardware that the platform code found,
 * and who drives them. New drivers are entered here and nowhere else.
 */
#include <corbel/drivers.h>

#include <corbel/compiler.h>

const struct uart_ops *driver_uart(u8 kind)
{
    static const struct uart_ops *const list[] = {
        [UART_PL011] = &pl011_ops,
        [UART_SBSA] = &sbsa_uart_ops,
    };

    return kind < ARRAY_SIZE(list) ? list[kind] : NULL;
}

const struct gic_ops *driver_gic(u8 version)
{
    static const struct gic_ops *const list[] = {
        [GIC_V2] = &gicv2_ops,
        [GIC_V3] = &gicv3_ops,
    };

    return version < ARRAY_SIZE(list) ? list[version] : NULL;
}
