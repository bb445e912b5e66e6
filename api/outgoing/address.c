/* Blocks of addresses that are not for everybody. IPv6 is the other way round: only 2000::/3 is given out, less what is
 * reserved in it; an address that carries one of IPv4 is judged by that. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/outgoing/address.h"

#include "common/cleanup.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <string.h>

#define HOST_SIZE 64

struct block {
    uint8_t bytes[16];
    int bits;
};

// clang-format off
static const struct block private_v4[] = {
    {{0}, 8},              /* this network */
    {{10}, 8},             /* private */
    {{100, 64}, 10},       /* carriers' NAT */
    {{127}, 8},            /* loopback */
    {{169, 254}, 16},      /* link-local: metadata services */
    {{172, 16}, 12},       /* private */
    {{192, 0, 0}, 24},     /* protocol assignments */
    {{192, 0, 2}, 24},     /* documentation */
    {{192, 88, 99}, 24},   /* 6to4 relays */
    {{192, 168}, 16},      /* private */
    {{198, 18}, 15},       /* benchmarks */
    {{198, 51, 100}, 24},  /* documentation */
    {{203, 0, 113}, 24},   /* documentation */
    {{224}, 4},            /* multicast */
    {{240}, 4},            /* reserved, and broadcast */
};

static const struct block global_v6 = {{0x20}, 3};
static const struct block private_v6[] = {
    {{0x20, 0x01}, 23},                   /* protocol assignments: Teredo, ORCHID, benchmarks */
    {{0x20, 0x01, 0x0d, 0xb8}, 32},       /* documentation */
    {{0x20, 0x02}, 16},                   /* 6to4 */
    {{0x3f, 0xff}, 20},                   /* documentation */
};

/* The last four bytes are an address of IPv4. */
static const struct block carriers_v6[] = {
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, 96}, /* mapped */
    {{0, 0x64, 0xff, 0x9b}, 96},                      /* NAT64 */
};
// clang-format on

static bool is_in(const struct block *block, const uint8_t *bytes)
{
    int whole = block->bits / 8;
    int rest = block->bits % 8;
    uint8_t mask = (uint8_t)(0xff00 >> rest);
    return memcmp(block->bytes, bytes, (size_t)whole) == 0 &&
           (rest == 0 || ((block->bytes[whole] ^ bytes[whole]) & mask) == 0);
}

static bool is_in_any(const struct block *blocks, size_t count, const uint8_t *bytes)
{
    for (size_t i = 0; i < count; i++) {
        if (is_in(&blocks[i], bytes))
            return true;
    }
    return false;
}

static bool v4_is_public(const uint8_t *bytes)
{
    return !is_in_any(private_v4, COUNT_OF(private_v4), bytes);
}

static bool v6_is_public(const uint8_t *bytes)
{
    if (is_in_any(carriers_v6, COUNT_OF(carriers_v6), bytes))
        return v4_is_public(bytes + 12);
    return is_in(&global_v6, bytes) && !is_in_any(private_v6, COUNT_OF(private_v6), bytes);
}

bool address_is_public(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET)
        return v4_is_public((const uint8_t *)&((const struct sockaddr_in *)(const void *)address)->sin_addr);
    if (address->sa_family == AF_INET6)
        return v6_is_public((const uint8_t *)&((const struct sockaddr_in6 *)(const void *)address)->sin6_addr);
    return false;
}

/* The family of the address, whose bytes are in ret; 0: it is a name. */
static int read_text(const char *host, uint8_t ret[static 16])
{
    char bare[HOST_SIZE];
    size_t length = strlen(host);
    if (inet_pton(AF_INET, host, ret) == 1)
        return AF_INET;
    if (length < 2 || length >= HOST_SIZE || host[0] != '[' || host[length - 1] != ']')
        return 0;
    memcpy(bare, host + 1, length - 2);
    bare[length - 2] = '\0';
    return inet_pton(AF_INET6, bare, ret) == 1 ? AF_INET6 : 0;
}

bool address_is_text(const char *host)
{
    uint8_t ignored[16];
    return read_text(host, ignored) != 0;
}

bool address_text_is_public(const char *host)
{
    uint8_t bytes[16];
    int family = read_text(host, bytes);
    return family == AF_INET ? v4_is_public(bytes) : family == AF_INET6 && v6_is_public(bytes);
}
