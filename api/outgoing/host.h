/* Hosts of URLs, judged by their text alone: what can be known before anybody connects. Pure. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

/* host as libcurl's parser gives it, which makes one dotted address of every form of IPv4 (2130706433, 0x7f.1, 0177.1).
 * NULL where the Internet may have it; else why it cannot: the address is not public, nobody but us resolves the name,
 * or it is no name. allows_private: only the last. */
const char *host_problem(const char *host, bool allows_private);
