/* Consoles: what is made of the bytes of a serial line, and what the simulated driver says of its own doing. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "common/cleanup.h"
#include "common/utf8.h"
#include "provisioner/driver/console.h"
#include "tests/unit/property.h"
#include "tests/unit/suite.h"

#include <stdlib.h>
#include <string.h>

#define NOW INT64_C(1767225600) /* 2026-01-01T00:00:00Z */

/* ---- Text of a line ---- */

START_TEST(a_line_is_text_without_what_steers_a_terminal)
{
    static const struct {
        const char *raw, *text;
    } lines[] = {
        {"", ""},
        {"[    0.000000] Linux version 6.1.0", "[    0.000000] Linux version 6.1.0"},
        {"[\x1b[0;32m  OK  \x1b[0m] Reached target\r", "[  OK  ] Reached target"},
        {"a\tb\ac\x7f", "a bc"},
        {"\x1b]x", "x"}, /* ESC and one byte */
        {"\x1b", ""},
        {"\x1b[12;", ""},
        {"\x1b[1\xc3\xa9", "\xc3\xa9"}, /* a sequence that breaks off leaves what follows */
        {"\xc2\x9b"
         "31m",
         "31m"}, /* C1: CSI as one character */
        {"caf\xc3\xa9", "caf\xc3\xa9"},
        {"\xff\xc3(", "\xef\xbf\xbd\xef\xbf\xbd("},
        {"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"}, /* a surrogate */
    };
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        char text[DRIVER_LINE_SIZE];
        console_text(lines[i].raw, text);
        ck_assert_str_eq(text, lines[i].text);
    }
}
END_TEST

START_TEST(a_long_line_is_cut_between_characters)
{
    char raw[3 * DRIVER_LINE_SIZE] = "";
    char text[DRIVER_LINE_SIZE];
    for (size_t i = 0; i + 2 < sizeof raw - 1; i += 2)
        memcpy(raw + i, "\xc3\xa9", 3);
    console_text(raw, text);
    size_t length = strlen(text);
    ck_assert_uint_ge(length, DRIVER_LINE_SIZE - 8);
    ck_assert_uint_lt(length, DRIVER_LINE_SIZE);
    ck_assert_str_eq(text + length - 3, "\xe2\x80\xa6");
    ck_assert_mem_eq(text + length - 5, "\xc3\xa9", 2);
}
END_TEST

/* Whatever comes over the line, the database takes it: UTF-8, no control character, within its bound. */
START_TEST(any_bytes_become_a_line_that_can_be_kept)
{
    struct property random = property_begin("console");
    for (int round = 0; round < 2000; round++) {
        char raw[2048];
        size_t length = property_next(&random) % (sizeof raw - 1);
        static const char *const likely = "\x1b[;m0 \xc2\x9b\xe2\x80\xa6\xff";
        for (size_t i = 0; i < length; i++) {
            uint64_t drawn = property_next(&random) % 400;
            raw[i] = drawn < 200 ? likely[drawn % strlen(likely)] : (char)(1 + drawn % 255);
        }
        raw[length] = '\0';
        char text[DRIVER_LINE_SIZE];
        console_text(raw, text);
        ck_assert_uint_lt(strlen(text), DRIVER_LINE_SIZE);
        bool is_fine = true;
        const unsigned char *next = (const unsigned char *)text;
        for (; *next != '\0' && is_fine; next += utf8_length(next))
            is_fine = utf8_length(next) > 0 && *next >= 0x20 && *next != 0x7f && !(next[0] == 0xc2 && next[1] < 0xa0);
        ck_assert_msg(is_fine, "byte %td of '%s'", next - (const unsigned char *)text, text);
    }
}
END_TEST

/* ---- The simulated driver ---- */

static struct driver *sim_with(int64_t fail_ppm)
{
    struct driver *driver = driver_sim.open();
    driver_sim.set(driver, &(struct driver_settings){.start_s = 60, .stop_s = 30, .fail_ppm = fail_ppm, .seed = 1});
    return driver;
}

static struct driver_workload stay(int64_t incarnation)
{
    struct driver_workload workload = {.incarnation = incarnation};
    workload.instance.bytes[0] = 7;
    workload.tenant.bytes[0] = 9;
    memcpy(workload.node.bytes + 12, "\x0a\x0b\x0c\x0d", 4);
    return workload;
}

static void look(struct driver *driver, const struct driver_workload *workload, int64_t now_s)
{
    struct driver_report report;
    driver_sim.report(driver, workload, now_s, &report);
}

struct expected {
    int64_t incarnation, number, at_s;
    const char *text;
};

static void says(const struct driver *driver, const struct expected *expected, size_t count)
{
    struct driver_lines said = driver_sim.said(driver);
    ck_assert_uint_eq(said.count, count);
    for (size_t i = 0; i < count; i++) {
        const struct driver_line *line = &said.lines[i];
        ck_assert_int_eq(line->is.incarnation, expected[i].incarnation);
        ck_assert_int_eq(line->is.tenant.bytes[0], 9);
        ck_assert_int_eq(line->number, expected[i].number);
        ck_assert_int_eq(line->at_s, expected[i].at_s);
        ck_assert_str_eq(line->text, expected[i].text);
    }
}

START_TEST(sim_tells_what_it_did_when_it_was_so)
{
    struct driver *driver = sim_with(0);
    struct driver_workload workload = stay(2);
    driver_sim.start(driver, &workload, 1, NOW);
    look(driver, &workload, NOW + 59);
    look(driver, &workload, NOW + 100); /* looked at late: it was up at its time */
    look(driver, &workload, NOW + 101);
    driver_sim.stop(driver, &workload, NOW + 200);
    driver_sim.stop(driver, &workload, NOW + 201); /* again: nothing more happens */
    driver_sim.forget(driver, &workload, NOW + 230);
    static const struct expected expected[] = {
        {2, 1, NOW, "sim: power on, attempt 1; no machine boots, it counts as up after 60 s"},
        {2, 2, NOW + 60, "sim: up at sim:0a0b0c0d:2"},
        {2, 3, NOW + 200, "sim: shutdown asked; it counts as off after 30 s"},
        {2, 4, NOW + 230, "sim: powered off"},
    };
    says(driver, expected, COUNT_OF(expected));
    driver_sim.reset(driver, true);
    says(driver, NULL, 0);
    driver_sim.close(driver);
}
END_TEST

START_TEST(sim_tells_a_drawn_fault_and_the_next_attempt)
{
    struct driver *driver = sim_with(1000000);
    struct driver_workload workload = stay(1);
    driver_sim.start(driver, &workload, 1, NOW);
    look(driver, &workload, NOW + 60);
    driver_sim.start(driver, &workload, 2, NOW + 60);
    struct driver_workload next = stay(2);
    driver_sim.forget(driver, &workload, NOW + 70);
    driver_sim.start(driver, &next, 1, NOW + 70);
    static const struct expected expected[] = {
        {1, 1, NOW, "sim: power on, attempt 1; no machine boots, it counts as up after 60 s"},
        {1, 2, NOW + 60, "sim: it does not come up: a fault was drawn, as in 1000000 of 1,000,000 starts"},
        {1, 3, NOW + 60, "sim: power on, attempt 2; no machine boots, it counts as up after 60 s"},
        {1, 4, NOW + 70, "sim: forgotten here; it was starting"},
        {2, 1, NOW + 70, "sim: power on, attempt 1; no machine boots, it counts as up after 60 s"},
    };
    says(driver, expected, COUNT_OF(expected));
    driver_sim.close(driver);
}
END_TEST

START_TEST(sim_says_nothing_of_what_it_does_not_know)
{
    struct driver *driver = sim_with(0);
    struct driver_workload workload = stay(1);
    look(driver, &workload, NOW);
    driver_sim.stop(driver, &workload, NOW);
    driver_sim.forget(driver, &workload, NOW);
    says(driver, NULL, 0);
    driver_sim.close(driver);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("console");
    TCase *text = tcase_create("text");
    tcase_add_test(text, a_line_is_text_without_what_steers_a_terminal);
    tcase_add_test(text, a_long_line_is_cut_between_characters);
    tcase_add_test(text, any_bytes_become_a_line_that_can_be_kept);
    suite_add_tcase(suite, text);
    TCase *sim = tcase_create("sim");
    tcase_add_test(sim, sim_tells_what_it_did_when_it_was_so);
    tcase_add_test(sim, sim_tells_a_drawn_fault_and_the_next_attempt);
    tcase_add_test(sim, sim_says_nothing_of_what_it_does_not_know);
    suite_add_tcase(suite, sim);
    return suite;
}
