/* Where a request comes from, as far as it can be known.
 *
 * The TLS proxy reaches the API over a unix socket that nobody else may open, and says there in headers of its own
 * whom it speaks for. Anywhere else such headers are anybody's invention and are not looked at. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/server/screen.h"

#include <netinet/in.h>
#include <sys/socket.h>

#define CERTIFICATE_TEXT_SIZE 65 /* SHA-256 in hexadecimal digits */
#define SUBJECT_SIZE          257

struct peer {
    char address[INET6_ADDRSTRLEN];          /* or "unix": a process of this machine, over the socket */
    char certificate[CERTIFICATE_TEXT_SIZE]; /* of a client certificate that the proxy verified; "": none */
    char subject[SUBJECT_SIZE];              /* whose it is: "/CN=gpu-0001"; "": none */
    bool is_https;                           /* how the client reached the proxy */
};

/* By the connection alone. address may be NULL. */
void peer_of_socket(const struct sockaddr *address, struct peer *ret);
/* By the proxy's headers. ERR_MALFORMED (bad_forwarding) where they are not as ours writes them: then it is another's.
 */
MUST_CHECK enum err_kind peer_of_proxy(const struct screen_header *headers, size_t count, struct peer *ret,
                                       struct err *reterr);
/* Whom a limit by address is for: the address itself, of IPv6 the network of 64 bits that one customer is given. */
void peer_network(const struct peer *peer, char ret[static INET6_ADDRSTRLEN]);
