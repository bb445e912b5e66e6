/* What a command line says, read by the tables of commands and options. Pure: prints nothing, asks nobody. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/cli/command.h"

#define ARGUMENTS_MAX 128 /* options of one command line; each may be given, a label often */

struct option_value {
    enum option_id option;
    const char *text; /* of the process's arguments; NULL: a flag, or --wait without a number */
};

struct arguments {
    const struct command *command; /* NULL where only help or a group of commands was asked for */
    const char *group;             /* first word, where it is not a command by itself: "reservation" */
    const char *positional;        /* what stands for the command's argument */
    struct option_value values[ARGUMENTS_MAX];
    int value_count;
};

/* ERR_MALFORMED (exit code 2) with a text that says what is wrong and a hint where to look. With --help anything that
 * names a command or group, or nothing, is right. */
MUST_CHECK enum err_kind arguments_parse(int argc, const char *const *argv, struct arguments *ret, struct err *reterr);

bool arguments_have(const struct arguments *arguments, enum option_id option);
/* The option's value, the last one if it was given twice; NULL if it was not given or has none. */
const char *arguments_text(const struct arguments *arguments, enum option_id option);
int64_t arguments_int(const struct arguments *arguments, enum option_id option, int64_t otherwise);
