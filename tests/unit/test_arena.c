/* What an arena promises: zeroed, aligned, apart from each other, whatever the sizes. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "common/arena.h"
#include "tests/unit/suite.h"

#include <stdint.h>
#include <string.h>

#define ALLOCATIONS 600

START_TEST(memory_is_zeroed_aligned_and_ones_own)
{
    CLEANUP(arena_freep) struct arena *arena = arena_new();
    static unsigned char *memory[ALLOCATIONS];
    for (size_t i = 0; i < ALLOCATIONS; i++) {
        size_t size = i * 7 % 300;
        memory[i] = arena_alloc(arena, size);
        ck_assert_uint_eq((uintptr_t)memory[i] % 16, 0);
        for (size_t k = 0; k < size; k++)
            ck_assert_uint_eq(memory[i][k], 0);
        memset(memory[i], (int)(i % 251), size);
    }
    for (size_t i = 0; i < ALLOCATIONS; i++) {
        for (size_t k = 0; k < i * 7 % 300; k++)
            ck_assert_uint_eq(memory[i][k], i % 251);
    }
}
END_TEST

START_TEST(what_is_larger_than_a_block_fits_too)
{
    CLEANUP(arena_freep) struct arena *arena = arena_new();
    char *large = arena_alloc(arena, 1000000);
    large[999999] = 'x';
    char *small = arena_text(arena, "small");
    ck_assert_str_eq(small, "small");
    ck_assert_int_eq(large[999999], 'x');
}
END_TEST

START_TEST(texts_are_copied_and_ended)
{
    CLEANUP(arena_freep) struct arena *arena = arena_new();
    ck_assert_str_eq(arena_text(arena, ""), "");
    ck_assert_str_eq(arena_text_n(arena, "reservation", 3), "res");
    ck_assert_str_eq(arena_text_n(arena, NULL, 0), "");
    ck_assert_str_eq(arena_format(arena, "%s has %d", "node", 8), "node has 8");
    char *wide = arena_format(arena, "%9000d", 1);
    ck_assert_uint_eq(strlen(wide), 9000);
}
END_TEST

START_TEST(memory_that_another_arena_had_is_zeroed_again)
{
    for (int round = 0; round < 5; round++) {
        CLEANUP(arena_freep) struct arena *arena = arena_new();
        for (size_t i = 0; i < 50; i++) {
            unsigned char *memory = arena_alloc(arena, 1000);
            for (size_t k = 0; k < 1000; k++)
                ck_assert_uint_eq(memory[k], 0);
            memset(memory, 0xff, 1000);
        }
    }
}
END_TEST

START_TEST(releasing_nothing_is_fine)
{
    arena_free(NULL);
    struct arena *arena = arena_new();
    arena_freep(&arena);
    ck_assert_ptr_null(arena);
}
END_TEST

Suite *unit_suite(void)
{
    TCase *tests = tcase_create("arena");
    tcase_add_test(tests, memory_is_zeroed_aligned_and_ones_own);
    tcase_add_test(tests, what_is_larger_than_a_block_fits_too);
    tcase_add_test(tests, texts_are_copied_and_ended);
    tcase_add_test(tests, memory_that_another_arena_had_is_zeroed_again);
    tcase_add_test(tests, releasing_nothing_is_fine);
    Suite *suite = suite_create("arena");
    suite_add_tcase(suite, tests);
    return suite;
}
