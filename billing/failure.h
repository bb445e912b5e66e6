/* What becomes of one wish (a payment, a request about an invoice) whose transaction failed: nobody else waits for it, and
 * nothing that passes refuses it. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/err.h"

enum failure {
    FAILURE_OWN,     /* by a rule of ours or its own data: it is refused, for it fails again */
    FAILURE_PASSING, /* by what the database made of it, or a defect: it is put off, and tried again in the next round */
    FAILURE_OF_ALL,  /* the database or the lease is away: the round ends */
};

enum failure failure_of(const struct err *err);
