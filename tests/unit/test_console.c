/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The console on a fake UART with a FIFO that the test sizes: merging line by line,
 * prompts, CR LF, full rings, input switching, sync mode, crash report, panic.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake_core.h"

#include <corbel/console.h>
#include <corbel/cpu.h>
#include <corbel/domain.h>
#include <corbel/irq.h>
#include <corbel/log.h>

static char out[200000];
static u32 out_len;
static u32 fifo; /* characters the UART takes before it is full */
static bool irq_rx, irq_tx;
static char in[600];
static u32 in_pos, in_len;
static u32 requested;

static void uart_init(uintptr_t base)
{
    (void)base;
}

static u32 drip; /* a character leaves after so many polls; 0: never */

static u32 uart_write(uintptr_t base, const u8 *text, u32 count)
{
    static u32 calls;

    if (!fifo && drip && ++calls % drip == 0)
        fifo = 1;
    u32 n = count < fifo ? count : fifo;

    (void)base;
    assert_true(out_len + n < sizeof(out));
    memcpy(out + out_len, text, n);
    out_len += n;
    out[out_len] = 0;
    if (fifo != ~0u)
        fifo -= n;
    return n;
}

static bool uart_rx(uintptr_t base, u8 *c)
{
    (void)base;
    if (in_pos == in_len)
        return false;
    *c = (u8)in[in_pos++];
    return true;
}

static void uart_irq_enable(uintptr_t base, bool rx, bool tx)
{
    (void)base;
    irq_rx = rx;
    irq_tx = tx;
}

static void uart_irq_clear(uintptr_t base)
{
    (void)base;
}

static const struct uart_ops uart = {
    "fake", uart_init, uart_write, uart_rx, uart_irq_enable, uart_irq_clear,
};

enum corbel_err irq_request(u32 intid, bool level)
{
    (void)level;
    requested = intid;
    return CORBEL_OK;
}

static struct domain dom[3];
static u8 memory[3][CONSOLE_RING_SIZE];

static void type(const char *s)
{
    in_len = (u32)strlen(s);
    in_pos = 0;
    memcpy(in, s, in_len);
    console_irq();
}

static void say(struct domain *d, const char *s)
{
    for (; *s; s++)
        assert_true(console_putc(d, (u8)*s));
}

static void clear(void)
{
    out_len = 0;
    out[0] = 0;
}

/* Let the console timer expire count times. */
static void tick(u32 count)
{
    while (count--) {
        fake_time += 10000000;
        while (timer_expired(fake_time))
            console_timer();
    }
}

static int setup(void **state)
{
    static bool first = true;

    (void)state;
    fake_reset(2);
    timer_queue_init(&cpu_get(0)->timers, 0);
    timer_queue_init(&cpu_get(1)->timers, 1);
    fifo = ~0u;
    if (first)
        console_init(&uart, 0);
    first = false;
    console_start(33, false);
    for (u32 i = 0; i < 3; i++) {
        memset(&dom[i], 0, sizeof(dom[i]));
        snprintf(dom[i].name, sizeof(dom[i].name), "domU%u", i + 1);
        dom[i].id = i + 1;
    }
    console_attach(&dom[0], memory[0]);
    console_attach(&dom[1], memory[1]);
    console_drain();
    tick(3);
    clear();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    for (u32 i = 0; i < 3; i++)
        console_detach(&dom[i]);
    fifo = ~0u;
    tick(3);
    for (u32 i = 0; i < 100; i++)
        console_irq();
    return 0;
}

static void lines_are_whole(void **state)
{
    (void)state;
    say(&dom[0], "one ");
    say(&dom[1], "two ");
    say(&dom[0], "1\r\n");
    say(&dom[1], "2\n");
    assert_string_equal(out, "(domU1) one 1\r\n(domU2) two 2\r\n");
}

static void log_lines(void **state)
{
    (void)state;
    fake_time = 1234567890;
    log_err("hello %u", 5);
    assert_string_equal(out, "(corbel) [   1.234567] hello 5\r\n");
}

static void prompt_is_flushed(void **state)
{
    (void)state;
    say(&dom[0], "~ # ");
    assert_string_equal(out, "");
    tick(4);
    assert_string_equal(out, ""); /* a vCPU may be away for some slices within a line */
    tick(2);
    assert_string_equal(out, "(domU1) ~ # ");
    say(&dom[0], "ls"); /* goes on at once, without a prefix */
    assert_string_equal(out, "(domU1) ~ # ls");
    say(&dom[1], "hi\n");
    assert_string_equal(out, "(domU1) ~ # ls\n\r(domU2) hi\r\n");
    clear();
    say(&dom[0], " -l\n");
    assert_string_equal(out, "(domU1)  -l\r\n");
    tick(5);
    assert_true(!timer_expired(~0ull >> 2)); /* idle: no tick goes on */
    assert_int_equal(fake_deadline, ~0ull);
}

static void carriage_returns(void **state)
{
    (void)state;
    say(&dom[0], "a\rb\r\r\n\r\n\n\rc\r\n");
    assert_string_equal(out, "(domU1) a\rb\r\r\n(domU1) \r\n(domU1) \r\n(domU1) c\r\n");
}

static void fifo_full_goes_on_by_interrupt(void **state)
{
    char want[4000] = "", line[64];

    (void)state;
    fifo = 16;
    for (u32 i = 0; i < 20; i++) {
        snprintf(line, sizeof(line), "line %u of the first\n", i);
        say(&dom[0], line);
        line[strlen(line) - 1] = 0;
        snprintf(want + strlen(want), sizeof(want) - strlen(want), "(domU1) %s\r\n", line);
    }
    assert_int_equal(out_len, 16);
    assert_true(irq_tx && irq_rx);
    for (u32 i = 0; i < 100 && irq_tx; i++) {
        fifo = 24;
        console_irq();
    }
    assert_false(irq_tx);
    assert_string_equal(out, want);
}

static void full_ring(void **state)
{
    u32 count = 0;

    (void)state;
    fifo = 0;
    while (console_putc(&dom[0], count % 50 == 49 ? '\n' : 'x'))
        count++;
    assert_in_range(count, CONSOLE_RING_SIZE, CONSOLE_RING_SIZE + 512);
    assert_int_equal(console_room(&dom[0]), 0);
    assert_null(console_take_ready());
    fifo = ~0u;
    for (u32 i = 0; i < 40; i++)
        console_irq();
    assert_ptr_equal(console_take_ready(), &dom[0]);
    assert_null(console_take_ready());
    assert_int_equal(console_room(&dom[0]), CONSOLE_RING_SIZE - count % 50);
}

/* A full-screen program never ends a line: when others break in, the rest comes all the same. */
static void broken_line_goes_on(void **state)
{
    (void)state;
    for (u32 i = 0; i < 600; i++)
        say(&dom[0], "x");
    tick(8);
    assert_int_equal(fake_deadline, ~0ull);
    fifo = 0;
    say(&dom[0], "a"); /* staged, and the UART does not take it */
    log_info("breaks in");
    say(&dom[0], "b");
    fifo = ~0u;
    console_irq();
    tick(8);
    assert_non_null(strstr(out, "xa\n\r(corbel) ["));
    assert_non_null(strstr(out, "breaks in\r\n(domU1) b"));
    tick(5);
    assert_int_equal(fake_deadline, ~0ull);
}

/* An endless line must not starve the others. */
static void fairness(void **state)
{
    (void)state;
    fifo = 0;
    for (u32 i = 0; i < 12000; i++)
        assert_true(console_putc(&dom[0], 'x'));
    tick(2);
    say(&dom[1], "me too\n");
    fifo = 3000;
    for (u32 i = 0; i < 6; i++)
        console_irq();
    assert_non_null(strstr(out, "\n\r(domU2) me too\r\n(domU1) xxx"));
}

static void input_switch(void **state)
{
    struct domain *d;
    u8 c;

    (void)state;
    type("a\001\001b");
    assert_true(console_next_input(&d, &c));
    assert_ptr_equal(d, &dom[0]);
    assert_int_equal(c, 'a');
    console_input_done(false); /* no room: the same again */
    assert_true(console_input_waiting());
    for (u32 i = 0; i < 4; i++) {
        assert_true(console_next_input(&d, &c));
        assert_false(console_next_input(&d, &c)); /* one at a time */
        assert_int_equal(c, "a\001\001b"[i]);
        console_input_done(true);
    }
    assert_false(console_next_input(&d, &c));
    type("x\001\001\001y");
    assert_non_null(strstr(out, "console: input to domU2 (three Ctrl-A: next)"));
    assert_true(console_next_input(&d, &c)); /* x was for domU1, which lost the input */
    assert_ptr_equal(d, &dom[1]);
    assert_int_equal(c, 'y');
    console_input_done(true);
    type("\001\001\001h");
    assert_non_null(strstr(out, "console: input to corbel (three"));
    assert_true(console_next_input(&d, &c));
    assert_null(d);
    assert_int_equal(c, 'h');
    console_input_done(true);
    clear();
    type("\001\001\001");
    assert_non_null(strstr(out, "console: input to domU1"));
    console_detach(&dom[0]);
    assert_non_null(strstr(out, "console: input to domU2"));
    type("z");
    assert_true(console_next_input(&d, &c));
    assert_ptr_equal(d, &dom[1]);
    console_input_done(true);
    console_detach(&dom[1]);
    assert_non_null(strstr(out, "console: input to corbel"));
    clear();
    console_attach(&dom[2], memory[2]);
    assert_non_null(strstr(out, "console: input to domU3"));
    console_attach(&dom[0], memory[0]);
    type("w");
    assert_true(console_next_input(&d, &c));
    assert_ptr_equal(d, &dom[2]);
    console_input_done(true);
}

/* A receiver without room is asked again by the timer, but not for ever. */
static void refused_input_comes_again(void **state)
{
    struct domain *d;
    u32 ticks = 0;
    bool armed;
    u8 c;

    (void)state;
    type("a");
    do {
        assert_true(console_next_input(&d, &c));
        console_input_done(false);
        armed = fake_deadline != ~0ull;
        tick(armed);
    } while (armed && ++ticks < 1000);
    assert_in_range(ticks, 90, 110);
    assert_true(console_next_input(&d, &c));
    console_input_done(true);
    assert_false(console_input_waiting());
}

static void input_flood_is_bounded(void **state)
{
    struct domain *d;
    u32 count = 0;
    u8 c;

    (void)state;
    for (u32 i = 0; i < 20; i++)
        type("0123456789012345678901234567890123456789012345678901234567890123456789"
             "0123456789012345678901234567890123456789012345678901234567890123456789");
    while (console_next_input(&d, &c)) {
        console_input_done(true);
        count++;
    }
    assert_int_equal(count, 1024);
}

/* A UART that fills up as fast as it is read interrupts once, and is left for a moment. */
static void input_beyond_a_look(void **state)
{
    char text[401] = "";
    struct domain *d;
    u32 count = 0;
    u8 c;

    (void)state;
    memset(text, 'k', sizeof(text) - 1);
    type(text);
    assert_int_equal(in_pos, 256);
    tick(1);
    assert_int_equal(in_pos, in_len);
    for (; console_next_input(&d, &c); count++)
        console_input_done(true);
    assert_int_equal(count, in_len);
}

/* Reports take time: a key each tick, however many are typed. */
static void key_flood_is_slow(void **state)
{
    struct domain *d;
    u32 count = 0;
    u8 c;

    (void)state;
    type("\001\001\001\001\001\001");
    for (u32 i = 0; i < 300; i++) {
        type("h");
        for (; console_next_input(&d, &c); count++) {
            assert_null(d);
            console_input_done(true);
        }
    }
    assert_in_range(count, 0, 1);
    for (u32 i = 0; i < 300; i++) {
        tick(1);
        for (; console_next_input(&d, &c); count++)
            console_input_done(true);
        assert_in_range(count, 0, i + 2);
    }
    assert_in_range(count, 16, 17);
    assert_false(console_input_waiting());
    type("\001\001\001");
}

/* A key waits for its tick, and nobody takes it away by switching meanwhile. */
static void key_before_a_switch(void **state)
{
    struct domain *d;
    u8 c;

    (void)state;
    type("\001\001\001\001\001\001");
    type("qh\001\001\001x");
    for (u32 i = 0; i < 2; i++) {
        while (!console_next_input(&d, &c))
            tick(1);
        assert_null(d);
        assert_int_equal(c, "qh"[i]);
        console_input_done(true);
    }
    tick(1);
    assert_true(console_next_input(&d, &c));
    assert_ptr_equal(d, &dom[0]);
    assert_int_equal(c, 'x');
    console_input_done(true);
}

static void detach_keeps_the_rest(void **state)
{
    (void)state;
    fifo = 0;
    say(&dom[0], "first\nlast words\r\n");
    say(&dom[1], "other\n");
    console_detach(&dom[0]);
    assert_false(console_putc(&dom[0], 'x'));
    assert_int_equal(console_room(&dom[0]), 0);
    fifo = ~0u;
    console_irq();
    assert_non_null(strstr(out, "(domU1) first\r\n"));
    assert_non_null(strstr(out, "(domU1) last words\r\n"));
    assert_non_null(strstr(out, "(domU2) other\r\n"));
}

/* A domain that ends with a full ring before a slow UART: console_leave() until it is empty. */
static void all_is_printed_before_the_end(void **state)
{
    char line[32];
    u32 lines = 0, steps = 0;

    (void)state;
    fifo = 0;
    while (console_room(&dom[0]) > sizeof(line)) {
        snprintf(line, sizeof(line), "line %u\r\n", lines++);
        say(&dom[0], line);
    }
    say(&dom[0], "no end");
    while (!console_leave(&dom[0])) {
        fake_time += 2000000;
        fifo = 32;
        steps++;
    }
    assert_in_range(steps, CONSOLE_RING_SIZE / 32, 2 * CONSOLE_RING_SIZE / 32);
    fifo = ~0u;
    console_detach(&dom[0]);
    assert_null(strstr(out, "] (domU1)"));
    for (u32 i = 0; i < lines; i++) {
        snprintf(line, sizeof(line), "(domU1) line %u\r\n", i);
        assert_non_null(strstr(out, line));
    }
    assert_non_null(strstr(out, "(domU1) no end"));
}

/* A UART that takes nothing holds up no teardown for longer than a second. */
static void a_dead_uart_is_not_waited_for(void **state)
{
    u32 steps = 0;

    (void)state;
    fifo = 0;
    say(&dom[0], "staged\nunheard\n");
    while (!console_leave(&dom[0])) {
        fake_time += 2000000;
        steps++;
    }
    assert_in_range(steps, 490, 510);
    console_detach(&dom[0]);
    assert_true(console_leave(&dom[0]));
    fifo = ~0u;
    console_irq();
    assert_non_null(strstr(out, "(domU1) unheard\r\n"));
}

/* A domain that comes back under its id begins a line of its own. */
static void restart_begins_a_line(void **state)
{
    (void)state;
    say(&dom[0], "half");
    tick(2);
    console_detach(&dom[0]);
    console_attach(&dom[0], memory[0]);
    clear();
    say(&dom[0], "new\n");
    assert_string_equal(out, "(domU1) new\r\n");
}

static void crash_report(void **state)
{
    char line[32];

    (void)state;
    for (u32 i = 0; i < 3000; i++) {
        snprintf(line, sizeof(line), "line %u\033[m\r\n", i);
        say(&dom[0], line);
    }
    say(&dom[0], "oops");
    clear();
    console_tail(&dom[0], 3);
    assert_null(strstr(out, "line 2997"));
    assert_non_null(strstr(out, "domU1: | line 2998[m\r\n"));
    assert_non_null(strstr(out, "domU1: | line 2999[m\r\n"));
    assert_non_null(strstr(out, "domU1: | oops\r\n"));
    clear();
    say(&dom[1], "short\n");
    console_tail(&dom[1], 20);
    assert_non_null(strstr(out, "domU2: | short\r\n"));
    clear();
    console_attach(&dom[2], memory[2]);
    console_tail(&dom[2], 20);
    assert_string_equal(out, "");
}

static void polled_and_sync(void **state)
{
    (void)state;
    console_start(0, false);
    assert_int_equal(console_intid(), 0);
    assert_false(irq_rx);
    fifo = 10;
    say(&dom[0], "polled output\n");
    assert_int_equal(out_len, 10);
    fifo = 100;
    memcpy(in, "k", 1);
    in_pos = 0;
    in_len = 1;
    tick(1);
    assert_string_equal(out, "(domU1) polled output\r\n");
    assert_true(console_input_waiting());
    console_start(33, true);
    clear();
    fifo = 5; /* a dead UART does not hang us */
    say(&dom[0], "sync\n");
    assert_int_equal(out_len, 5);
    fifo = ~0u;
    console_drain();
    assert_string_equal(out, "(domU1) sync\r\n");
}

/* Before a reset of the machine: all lines are out, however slow the UART is, and not for ever. */
static void flushed(void **state)
{
    (void)state;
    fifo = 3;
    say(&dom[0], "abc");
    log_err("first");
    log_err("second");
    assert_int_equal(out_len, 3);
    drip = 7;
    console_flush();
    assert_non_null(strstr(out, "first\r\n(corbel) ["));
    assert_non_null(strstr(out, "second\r\n"));
    fifo = 0;
    drip = 0;
    log_err("third");
    clear();
    console_flush(); /* comes back from a UART that is dead */
    assert_int_equal(out_len, 0);
    fifo = ~0u;
    console_drain();
    assert_non_null(strstr(out, "third\r\n"));
}

static void panic_text(void **state)
{
    (void)state;
    fifo = 3;
    say(&dom[0], "abc\n");
    log_err("in the ring");
    fifo = ~0u;
    console_panic_write("panic: x\n");
    assert_non_null(strstr(out, "(domU1) abc\r\n\r\n(corbel) ["));
    assert_non_null(strstr(out, "in the ring\r\npanic: x\r\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(lines_are_whole, setup, teardown),
        cmocka_unit_test_setup_teardown(log_lines, setup, teardown),
        cmocka_unit_test_setup_teardown(prompt_is_flushed, setup, teardown),
        cmocka_unit_test_setup_teardown(carriage_returns, setup, teardown),
        cmocka_unit_test_setup_teardown(fifo_full_goes_on_by_interrupt, setup, teardown),
        cmocka_unit_test_setup_teardown(full_ring, setup, teardown),
        cmocka_unit_test_setup_teardown(broken_line_goes_on, setup, teardown),
        cmocka_unit_test_setup_teardown(fairness, setup, teardown),
        cmocka_unit_test_setup_teardown(input_switch, setup, teardown),
        cmocka_unit_test_setup_teardown(refused_input_comes_again, setup, teardown),
        cmocka_unit_test_setup_teardown(input_flood_is_bounded, setup, teardown),
        cmocka_unit_test_setup_teardown(input_beyond_a_look, setup, teardown),
        cmocka_unit_test_setup_teardown(key_flood_is_slow, setup, teardown),
        cmocka_unit_test_setup_teardown(key_before_a_switch, setup, teardown),
        cmocka_unit_test_setup_teardown(detach_keeps_the_rest, setup, teardown),
        cmocka_unit_test_setup_teardown(all_is_printed_before_the_end, setup, teardown),
        cmocka_unit_test_setup_teardown(a_dead_uart_is_not_waited_for, setup, teardown),
        cmocka_unit_test_setup_teardown(restart_begins_a_line, setup, teardown),
        cmocka_unit_test_setup_teardown(crash_report, setup, teardown),
        cmocka_unit_test_setup_teardown(polled_and_sync, setup, teardown),
        cmocka_unit_test_setup_teardown(flushed, setup, teardown),
        cmocka_unit_test_setup_teardown(panic_text, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
