/* Help and reference, printed from the tables of commands and options. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/cli/arguments.h"

#include <stdio.h>

/* Of the command or group that the arguments name, or of everything. */
void help_print(FILE *out, const struct arguments *arguments);
/* docs/cli.md. */
void help_print_docs(FILE *out);
