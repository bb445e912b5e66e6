/* What a PUT or PATCH of a reservation asks of its terms: count and window. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/resources/amendment.h"

/* *ret is empty where they stay as they are. ERR_INVALID where what is sent is no window. */
MUST_CHECK enum err_kind reservation_terms_of(struct request *request, const struct amendment_subject *subject,
                                              struct amendment_wish *ret, struct err *reterr);
