/* What went wrong, told to a person, and with -o json to a program. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/cli/session.h"

/* The error and its hint. */
void tell_error(FILE *out, const struct err *err);
/* And what the API said when it refused. */
void tell_refusal(struct session *session, const struct err *err);
