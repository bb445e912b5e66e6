/* A code of the identity provider, exchanged for what it says of a person, while the request is suspended and no thread
 * waits for it. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/server/request.h"

/* Posts the form to the provider, and takes the request over: it goes on with its route's handler on a worker's thread,
 * when internal->exchanged has the id token, or is NULL where there was none. From the listener's thread. */
void exchange_begin(struct request *request, const char *form, const char *authorization);
