/* Completion of a command line in a shell, from the tables of commands and options: `complete -C 'sluice --complete'`. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/cli/arguments.h"

#include <stddef.h>
#include <stdio.h>

/* Prints the names that begin with `typed`, one a line, of what `list` lists; `given` has --profile and --url of the
 * line. */
typedef void complete_names(FILE *out, const struct command *list, const struct arguments *given, const char *typed);

/* Prints what may stand where the line ends at `point`, one a line: the beginnings of commands, what a group of them can
 * do, options that the command takes; where a thing is due that can be listed, the names that `names` finds. Bash's
 * `complete -C` has them in COMP_LINE and COMP_POINT. A line that is too long, or where a value is due that we have no
 * list of, gets nothing. */
void complete_print(FILE *out, const char *line, size_t point, complete_names *names);
