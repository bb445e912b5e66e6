/* Reading what a connection and the proxy say of a client. No memory is kept and nothing is asked of the system. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/server/peer.h"

#include "common/must.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#define NETWORK_BYTES 8 /* of an IPv6 address */

static void print_v6(const struct in6_addr *address, char ret[static INET6_ADDRSTRLEN])
{
    const void *v4 = &address->s6_addr[12];
    bool is_v4 = IN6_IS_ADDR_V4MAPPED(address);
    must(inet_ntop(is_v4 ? AF_INET : AF_INET6, is_v4 ? v4 : (const void *)address, ret, INET6_ADDRSTRLEN) != NULL);
}

void peer_of_socket(const struct sockaddr *address, struct peer *ret)
{
    *ret = (struct peer){.address = "unix"};
    if (address == NULL)
        return;
    if (address->sa_family == AF_INET) {
        struct sockaddr_in v4;
        memcpy(&v4, address, sizeof v4);
        must(inet_ntop(AF_INET, &v4.sin_addr, ret->address, sizeof ret->address) != NULL);
    } else if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 v6;
        memcpy(&v6, address, sizeof v6);
        print_v6(&v6.sin6_addr, ret->address);
    }
}

/* In one spelling, so that one address has one bucket and one text in the audit. */
static bool read_address(const char *text, struct peer *ret)
{
    struct in_addr v4;
    struct in6_addr v6;
    if (inet_pton(AF_INET, text, &v4) == 1)
        return inet_ntop(AF_INET, &v4, ret->address, sizeof ret->address) != NULL;
    if (inet_pton(AF_INET6, text, &v6) != 1)
        return false;
    print_v6(&v6, ret->address);
    return true;
}

static bool read_certificate(const char *text, struct peer *ret)
{
    size_t length = strspn(text, "0123456789abcdef");
    if (text[length] != '\0' || length != CERTIFICATE_TEXT_SIZE - 1)
        return false;
    memcpy(ret->certificate, text, CERTIFICATE_TEXT_SIZE);
    return true;
}

static bool read_subject(const char *text, struct peer *ret)
{
    size_t length = 0;
    while (text[length] >= ' ' && text[length] <= '~')
        length++;
    if (length == 0 || text[length] != '\0')
        return false;
    (void)snprintf(ret->subject, sizeof ret->subject, "%s", text); /* a long one is cut: it is for people */
    return true;
}

static bool read_scheme(const char *text, struct peer *ret)
{
    ret->is_https = strcmp(text, "https") == 0;
    return ret->is_https || strcmp(text, "http") == 0;
}

static const struct {
    const char *name;
    bool (*read)(const char *text, struct peer *ret);
} readers[] = {
    {"X-Forwarded-For", read_address},
    {"X-Forwarded-Proto", read_scheme},
    {"X-Client-Cert-Sha256", read_certificate},
    {"X-Client-Cert-Subject", read_subject},
};

enum err_kind peer_of_proxy(const struct screen_header *headers, size_t count, struct peer *ret, struct err *reterr)
{
    *ret = (struct peer){.address = "unix"};
    for (size_t i = 0; i < COUNT_OF(readers); i++) {
        const char *value = NULL;
        size_t found = screen_count(headers, count, readers[i].name, &value);
        if (found > 1 || (found == 1 && !readers[i].read(value, ret)))
            return err_set_code(reterr, ERR_MALFORMED, "bad_forwarding", "%s is not as the proxy writes it",
                                readers[i].name);
    }
    return ERR_NONE;
}

void peer_network(const struct peer *peer, char ret[static INET6_ADDRSTRLEN])
{
    struct in6_addr v6;
    (void)snprintf(ret, INET6_ADDRSTRLEN, "%s", peer->address);
    if (inet_pton(AF_INET6, peer->address, &v6) != 1)
        return;
    memset(&v6.s6_addr[NETWORK_BYTES], 0, sizeof v6.s6_addr - NETWORK_BYTES);
    must(inet_ntop(AF_INET6, &v6, ret, INET6_ADDRSTRLEN) != NULL);
}
