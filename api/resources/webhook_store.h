/* Webhooks as the addresses of them and of their deliveries share them: columns, locks, and what the caller may see. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/server/route.h"

struct webhook_wish {
    const char *id, *url;
    struct field_list events;
    const char *object, *description;
    bool active;
    const char *secret;
    int64_t created_at, previous_secret_until;
};

extern const struct schema webhook_schema;
extern const struct field webhook_status_fields[];
extern const char *const webhook_states[];

/* Of webhook w and its webhook_status s, outer-joined: the state, and what webhook_status_fields shows. */
#define WEBHOOK_EPOCH(column) "extract(epoch FROM " column ")::bigint"
#define WEBHOOK_STATE                                                                                                  \
    "CASE WHEN s.disabled_revision = w.revision THEN 'disabled' WHEN NOT w.active THEN 'inactive'"                     \
    " WHEN s.failing_since IS NOT NULL THEN 'failing' ELSE 'ok' END"
// clang-format off
#define WEBHOOK_STATUS_COLUMNS                                                                                         \
    WEBHOOK_STATE " AS \"status.state\", " WEBHOOK_EPOCH("s.failing_since") " AS \"status.failing_since\","            \
    " " WEBHOOK_EPOCH("s.last_success_at") " AS \"status.last_success_at\","                                           \
    " " WEBHOOK_EPOCH("s.last_failure_at") " AS \"status.last_failure_at\", s.last_error AS \"status.last_error\""
// clang-format on

/* The lock of a change: a tenant's own, or the provider's. Its row has what webhook_schema shows, secret_sealed, and
 * is_disabled. */
extern const struct object_lock webhook_lock_own, webhook_lock_system;

/* The webhook of the address {id} as an answer; 404 where the caller has none of that id. */
MUST_CHECK enum err_kind webhook_answer(struct request *request, struct response *response, int status, const char *id,
                                        struct err *reterr);
MUST_CHECK enum err_kind webhook_find(struct request *request, const char *id, struct err *reterr);
/* The same of anybody's, where row security lets the caller see it: for the provider's addresses that only read. */
MUST_CHECK enum err_kind webhook_find_any(struct request *request, const char *id, struct err *reterr);
MUST_CHECK enum err_kind webhook_page(struct request *request, struct response *response, const char *url,
                                      struct err *reterr);

/* NULL for the provider's. */
const char *webhook_tenant(const struct request *request);
/* Appends an event of the webhook in request->locked, or, with revision 1, of a new one. */
MUST_CHECK enum err_kind webhook_event(struct request *request, const char *id, int64_t revision, const char *kind,
                                       struct err *reterr);
/* A column of request->locked. */
int64_t webhook_locked_revision(const struct request *request);
bool webhook_locked_is_disabled(const struct request *request);
const char *webhook_locked_secret(const struct request *request); /* sealed */

extern const struct db_stmt *const webhook_store_statements[];
