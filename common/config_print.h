/* Printing settings to standard output, for those who run a program with --help and its like. For config.c. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/config.h"

/* summary: a line on what the program does. */
void config_print_help(const char *program, const char *summary, const struct config_part *parts);
/* The program's section of docs/configuration.md. */
void config_print_docs(const char *program, const struct config_part *parts);
/* Every value that was loaded; secrets are masked. */
void config_print_values(const struct config_part *parts);
