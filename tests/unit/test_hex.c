/* Hexadecimal digits, both ways. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "common/hex.h"
#include "tests/unit/suite.h"

#include <string.h>

START_TEST(every_byte_comes_back)
{
    uint8_t bytes[256], read[256];
    char text[HEX_TEXT_SIZE(sizeof bytes)];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)i;
    hex_print(bytes, sizeof bytes, text);
    ck_assert_uint_eq(strlen(text), 2 * sizeof bytes);
    ck_assert_int_eq(strncmp(text, "000102", 6), 0);
    ck_assert_str_eq(text + 2 * 253, "fdfeff");
    ck_assert(hex_read(text, read, sizeof read));
    ck_assert_mem_eq(bytes, read, sizeof bytes);
}
END_TEST

START_TEST(what_is_not_exactly_so_many_digits_is_refused)
{
    static const char *const wrong[] = {"", "0", "000", "00000", "0g", "g0", " 0", "-1", "0x00", "/0", ":0", "`0"};
    uint8_t read[1];
    ck_assert(hex_read("aF", read, 1));
    ck_assert_uint_eq(read[0], 0xaf);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        ck_assert_msg(!hex_read(wrong[i], read, 1), "'%s' was read", wrong[i]);
}
END_TEST

Suite *unit_suite(void)
{
    TCase *tests = tcase_create("hex");
    tcase_add_test(tests, every_byte_comes_back);
    tcase_add_test(tests, what_is_not_exactly_so_many_digits_is_refused);
    Suite *suite = suite_create("hex");
    suite_add_tcase(suite, tests);
    return suite;
}
