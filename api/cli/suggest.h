/* What somebody may have meant who typed a command or an option that there is not. Pure. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/cli/command.h"

#define SUGGESTION_SIZE 64 /* of any command's path, or an option's name with its dashes */

/* typed: "--nme", "--nme=x" or "-nme". Of what the command takes; of all options where it is NULL. *ret is set only
 * where something is near. */
void suggest_option(const struct command *command, const char *typed, char ret[SUGGESTION_SIZE]);

/* The first word of a command; where group is given, the second of one that begins with it. */
void suggest_command(const char *group, const char *typed, char ret[SUGGESTION_SIZE]);

/* Where the verb stands before the noun, as other command lines have it: "get nodes". */
void suggest_turned(const char *verb, const char *noun, char ret[SUGGESTION_SIZE]);
