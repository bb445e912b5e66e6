/* Times of a command line become what the API takes: dates, and instants in UTC. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/cli/session.h"

/* Rewrites the times among arguments' values, which are the session's; asks the API what time it is where one is from
 * now. What such a time became is added to session->settled. */
MUST_CHECK enum err_kind times_settle(struct session *session, struct arguments *arguments, struct err *reterr);
