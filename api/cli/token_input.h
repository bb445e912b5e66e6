/* Reading a token: never from the command line, where every process could see it. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/err.h"

#include <stdio.h>

#define TOKEN_INPUT_SIZE 1024

/* The first line of standard input; on a terminal it is asked for, without echo. White space around it is dropped.
 * ret is the caller's to cleanse. */
MUST_CHECK enum err_kind token_input_read(FILE *prompt, char ret[static TOKEN_INPUT_SIZE], struct err *reterr);
