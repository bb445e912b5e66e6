/* Completion of a command line in a shell, from the tables of commands and options: `complete -C 'sluice --complete'`. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdio.h>

/* Prints what may stand where the line ends at `point`, one a line: the beginnings of commands, what a group of them can
 * do, options that the command takes. Bash's `complete -C` has them in COMP_LINE and COMP_POINT. A line that is too long, or
 * where a value is due that we have no list of, gets nothing. */
void complete_print(FILE *out, const char *line, size_t point);
