/* Which addresses of the Internet are public, pure. A webhook's URL is a tenant's: it must not reach what only we reach
 * (RFC 6890 and what was registered since; among it the metadata services of clouds, 169.254.169.254 and
 * fd00:ec2::254). */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>

bool address_is_public(const struct sockaddr *address);
/* A host as it stands in a URL, of IPv6 in brackets: is it an address, and not a name? Of one: is it public? */
bool address_is_text(const char *host);
bool address_text_is_public(const char *host);
