/* The lesser and the greater of two numbers. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

static inline int64_t least_of(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static inline int64_t greatest_of(int64_t a, int64_t b)
{
    return a > b ? a : b;
}
