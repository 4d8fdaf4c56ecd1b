/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORBEL_COMPILER_H
#define CORBEL_COMPILER_H

/*
 * Every compiler attribute and trick of the project, so that no other file
 * spells __attribute__ itself.
 */

#define __must_check  __attribute__((warn_unused_result))
#define __noreturn    __attribute__((noreturn))
#define __packed      __attribute__((packed))
#define __aligned(n)  __attribute__((aligned(n)))
#define __section(s)  __attribute__((section(s)))
#define __unused      __attribute__((unused))
#define __used        __attribute__((used))
#define __noinline    __attribute__((noinline))
#define __fallthrough __attribute__((fallthrough))
/* Seldom run, in a file of hot-objs (objects.mk): small rather than fast. */
#define __cold        __attribute__((cold, noinline))
/*
 * Memory that is given back once every domain has had its first start (boot_end.h). A file in
 * objects.mk's init-objs is boot code as a whole, but for what is __resident; in other files what
 * is __init. Only an __init_caller may call from what stays to what goes: the linker checks that.
 * It cannot see pointers: a file whose texts or tables are kept in anything that lives on (an ops
 * table, a static text as a reason) is no boot code.
 */
#define __init        __section(".init.text")
#define __resident    __section(".text.resident")
#define __init_caller __section(".init_caller") __noinline

#define __force_inline      inline __attribute__((always_inline))
#define __may_alias         __attribute__((may_alias))
#define __printf_like(f, a) __attribute__((format(printf, f, a)))

/* Inside a loop: the compiler must not replace it by a call of memcpy or the like. */
#define keep_loop() __asm__ volatile("")

/* One relaxed atomic load, in the fewest instructions. */
#define read_once(x) (*(const volatile __typeof__(x) *)&(x))

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define container_of(ptr, type, member) \
    ((type *)(void *)((char *)(ptr) - __builtin_offsetof(type, member)))

/* True when the Kconfig switch is defined to 1; usable in plain C conditions. */
#define CONFIG_ARG_PLACEHOLDER_1             0,
#define CONFIG_SECOND_ARG(ignored, val, ...) val
#define CONFIG_IS_SET_2(arg_or_junk)         CONFIG_SECOND_ARG(arg_or_junk 1, 0, 0)
#define CONFIG_IS_SET_1(val)                 CONFIG_IS_SET_2(CONFIG_ARG_PLACEHOLDER_##val)
#define CONFIG_IS_SET(val)                   CONFIG_IS_SET_1(val)
#define IS_ENABLED(option)                   CONFIG_IS_SET(option)

#endif
