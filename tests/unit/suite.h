/* What a test program offers to main.c, which runs it. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <check.h>
#include <stddef.h>

/* All promises of the program. */
Suite *unit_suite(void);

/* Of promises that need nothing around them. */
static inline Suite *suite_of(const char *name, const TTest *const promises[], size_t count)
{
    Suite *suite = suite_create(name);
    TCase *tests = tcase_create("promises");
    for (size_t i = 0; i < count; i++)
        tcase_add_test(tests, promises[i]);
    suite_add_tcase(suite, tests);
    return suite;
}
