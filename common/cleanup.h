/* Resources are released where they are declared: an early return is the normal error path.
 *
 *     CLEANUP(text_freep) char *name = NULL;    released at the end of the scope
 *     return TAKE(name);                        or handed to the caller
 */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdlib.h>

#define CLEANUP(release)                          __attribute__((cleanup(release)))
#define MUST_CHECK                                __attribute__((warn_unused_result))
#define PRINTF_LIKE(format_index, first_argument) __attribute__((format(printf, format_index, first_argument)))

/* Hands over the pointer: the variable forgets it, so that its cleanup releases nothing. */
#define TAKE(pointer)                                                                                                  \
    __extension__({                                                                                                    \
        __typeof__(pointer) taken_ = (pointer);                                                                        \
        (pointer) = NULL;                                                                                              \
        taken_;                                                                                                        \
    })

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* Releases what malloc gave, through a pointer to the variable that holds it. */
static inline void text_freep(char **text)
{
    free(*text);
    *text = NULL;
}
