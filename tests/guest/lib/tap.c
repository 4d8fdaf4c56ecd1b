/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Test Anything Protocol: "ok N - text", "not ok N - text", and at the end "1..N".
 * Used by the boot vCPU only.
 */
#include <stdarg.h>

#include "lib.h"
#include "print.h"

static unsigned int count;
static unsigned int failed;

bool ok(bool condition, const char *format, ...)
{
    va_list args;

    count++;
    if (!condition) {
        failed++;
    }
    va_start(args, format);
    print("%s %u - ", condition ? "ok" : "not ok", count);
    print_args(format, &args);
    print("\n");
    va_end(args);
    return condition;
}

bool is_equal(uint64_t got, uint64_t expected, const char *what)
{
    if (got == expected) {
        return ok(true, "%s = 0x%lx", what, got);
    }
    return ok(false, "%s = 0x%lx, expected 0x%lx", what, got, expected);
}

void skip(const char *what, const char *why)
{
    count++;
    print("ok %u - %s # SKIP %s\n", count, what, why);
}

void diag(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    print("# ");
    print_args(format, &args);
    print("\n");
    va_end(args);
}

void tap_end(void)
{
    print("# failed %u\n1..%u\n", failed, count);
}

unsigned int tap_failed(void)
{
    return failed;
}
