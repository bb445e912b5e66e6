/* Whatever the proxy's headers say: they are refused, or the address is one in its one spelling, the certificate is a
 * hash, and the subject can stand in a log; and the network is the same for all of its addresses.
 *
 * Input: "name: value" lines. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/server/peer.h"
#include "tests/fuzz/fuzz.h"

#include <arpa/inet.h>
#include <ctype.h>

#define HEADERS_MAX 16

static void check_address(const char *address)
{
    if (strcmp(address, "unix") == 0)
        return;
    int family = strchr(address, ':') == NULL ? AF_INET : AF_INET6;
    struct in6_addr parsed = {0};
    char again[INET6_ADDRSTRLEN];
    must(inet_pton(family, address, &parsed) == 1);
    must(family == AF_INET || !IN6_IS_ADDR_V4MAPPED(&parsed));
    must(inet_ntop(family, &parsed, again, sizeof again) != NULL && strcmp(again, address) == 0);
}

static void check(const struct peer *peer)
{
    check_address(peer->address);
    size_t digits = strlen(peer->certificate);
    must(digits == 0 || digits == CERTIFICATE_TEXT_SIZE - 1);
    for (size_t i = 0; i < digits; i++)
        must(isxdigit((unsigned char)peer->certificate[i]) != 0 && isupper((unsigned char)peer->certificate[i]) == 0);
    for (const char *next = peer->subject; *next != '\0'; next++)
        must(isprint((unsigned char)*next) != 0);
    struct peer network = {0};
    peer_network(peer, network.address);
    check_address(network.address);
    char again[INET6_ADDRSTRLEN];
    peer_network(&network, again);
    must(strcmp(network.address, again) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(text_freep) char *text = input_text(data, size);
    char *rest = text;
    struct screen_header headers[HEADERS_MAX];
    size_t count = 0;
    for (char *line = input_part(&rest, "\n"); line != NULL && count < HEADERS_MAX; line = input_part(&rest, "\n")) {
        char *value = line;
        const char *name = input_part(&value, ":");
        headers[count++] = (struct screen_header){name, value == NULL ? NULL : value + strspn(value, " ")};
    }
    struct err err = {0};
    struct peer peer;
    if (peer_of_proxy(headers, count, &peer, &err) == ERR_NONE)
        check(&peer);
    else
        must(err.kind == ERR_MALFORMED && strcmp(err.code, "bad_forwarding") == 0);
    return 0;
}
