/* Identifiers: UUIDv7, so that they sort by the time they were made; outside the database they are typed text,
 * a prefix and 26 characters of Crockford base32: "rsv_01jd...". Reading accepts either case, writing is lower. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/err.h"

#include <stdint.h>

struct identity {
    uint8_t bytes[16];
};

/* X(kind, prefix) */
// clang-format off
#define IDENTITY_KINDS(X) \
    X(IDENTITY_TENANT, "ten") \
    X(IDENTITY_TOKEN, "tok") \
    X(IDENTITY_SESSION, "ses") \
    X(IDENTITY_PRINCIPAL, "prn") \
    X(IDENTITY_ZONE, "zon") \
    X(IDENTITY_FABRIC, "fab") \
    X(IDENTITY_RACK, "rck") \
    X(IDENTITY_SWITCH, "swi") \
    X(IDENTITY_NODE, "nod") \
    X(IDENTITY_INSTANCE_TYPE, "typ") \
    X(IDENTITY_RESERVATION, "rsv") \
    X(IDENTITY_QUOTE, "quo") \
    X(IDENTITY_AMENDMENT, "amd") \
    X(IDENTITY_QUOTA, "qta") \
    X(IDENTITY_INSTANCE, "ins") \
    X(IDENTITY_PRICE, "prc") \
    X(IDENTITY_ASSET, "ast") \
    X(IDENTITY_INVOICE, "inv") \
    X(IDENTITY_MAINTENANCE, "mnt") \
    X(IDENTITY_EVENT, "evt") \
    X(IDENTITY_REQUEST, "req") \
    X(IDENTITY_AUDIT, "aud") \
    X(IDENTITY_WEBHOOK, "whk") \
    X(IDENTITY_DELIVERY, "whd") \
    X(IDENTITY_PROJECT, "prj") \
    X(IDENTITY_SSH_KEY, "key") \
    X(IDENTITY_IMAGE, "img") \
    X(IDENTITY_GRANT, "cgr") \
    X(IDENTITY_PAYMENT, "pay") \
    X(IDENTITY_ASSET_CHANGE, "ach") \
    X(IDENTITY_PURCHASE_ORDER, "por") \
    X(IDENTITY_COST_RATE, "crt") \
    X(IDENTITY_COMMITMENT, "cmt") \
    X(IDENTITY_DISCOUNT, "dsc") \
    X(IDENTITY_PRICE_FLOOR, "pfl") \
    X(IDENTITY_PRICE_FLOOR_OVERRIDE, "pfo") \
    X(IDENTITY_POLICY, "pol") \
    X(IDENTITY_CORRECTION, "cor") \
    X(IDENTITY_BILLING_PROFILE, "bpr") \
    X(IDENTITY_TAX_RATE, "txr") \
    X(IDENTITY_CREDIT_NOTE, "crn") \
    X(IDENTITY_INVOICE_REQUEST, "irq") \
    X(IDENTITY_MARKET_PRICE, "mkp") \
    X(IDENTITY_WARNING, "wrn") \
    X(IDENTITY_METER, "mtr") \
    X(IDENTITY_ACTION, "act") \
    X(IDENTITY_REPLACEMENT, "rpl")
// clang-format on

enum identity_kind {
#define X(kind, prefix) kind,
    IDENTITY_KINDS(X)
#undef X
        IDENTITY_KIND_COUNT
};

#define IDENTITY_TEXT_SIZE 31 /* prefix, underscore, 26 characters, 0 */
#define UUID_TEXT_SIZE     37
#define NIL_UUID           "00000000-0000-0000-0000-000000000000" /* before every other */

/* By value: below 0 where a comes first, 0 where they are the same, above 0 else; as PostgreSQL sorts UUIDs. */
static inline int identity_compare(struct identity a, struct identity b)
{
    return __builtin_memcmp(a.bytes, b.bytes, sizeof a.bytes);
}

static inline bool identity_equal(struct identity a, struct identity b)
{
    return identity_compare(a, b) == 0;
}

/* All zero: none, where an identifier may be absent. */
static inline bool identity_is_nil(struct identity id)
{
    return identity_equal(id, (struct identity){0});
}

/* A new UUIDv7 of the real clock: 48 bits of milliseconds, then random bits; within one process and millisecond
 * the ids rise. Thread-safe. */
struct identity identity_new(void);
/* When it was made, by the clock of who made it; in milliseconds since the Unix epoch. */
int64_t identity_made_ms(struct identity id);
void identity_to_text(enum identity_kind kind, struct identity id, char ret[static IDENTITY_TEXT_SIZE]);
void identity_to_uuid(struct identity id, char ret[static UUID_TEXT_SIZE]);
/* ERR_INVALID where the text is not exactly an identifier of that kind. */
MUST_CHECK enum err_kind identity_from_text(enum identity_kind kind, const char *text, struct identity *ret,
                                            struct err *reterr);
/* An identifier of whatever kind, or a UUID. */
MUST_CHECK enum err_kind identity_from_any(const char *text, struct identity *ret, struct err *reterr);
/* What the database gives: 36 characters with hyphens. */
MUST_CHECK enum err_kind identity_from_uuid(const char *text, struct identity *ret, struct err *reterr);
/* "rsv_..." straight from the database's text of a uuid column. must() on a text that is no UUID. */
void identity_text_of_uuid(enum identity_kind kind, const char *uuid, char ret[static IDENTITY_TEXT_SIZE]);
