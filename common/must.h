/* Assertions that stay on in every build.
 *
 * must(condition) is for programmers' errors, never for input: what fails here is a bug, so the process says
 * where and aborts, and its supervisor starts it again. Say what must hold and what must not. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

__attribute__((noreturn, cold)) void must_failed(const char *condition, const char *file, int line,
                                                 const char *function);

#define must(condition)                                                                                                \
    (__builtin_expect(!(condition), 0) ? must_failed(#condition, __FILE__, __LINE__, __func__) : (void)0)
