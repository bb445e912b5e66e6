/* The things one can list: where they are, and what of them is shown. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/cli/session.h"
#include "api/cli/table.h"

struct noun {
    const char *tenant_path; /* NULL: operators only */
    const char *system_path;
    const struct column *columns; /* of a list */
    const struct column *details; /* of one; NULL: there is no such command */
    const char *prefix;           /* of its ids: "rsv_" */
    const char *lookup;           /* query parameter that finds one by what people call it: "name"; NULL: ids only */
    const char *is_part;          /* of the bodies of others, where its fields are below "shape."; NULL: it is not */
    bool by_age;                  /* its list can be had the newest first */
};

extern const struct noun noun_reservation;
extern const struct noun noun_tenant;
extern const struct noun noun_project;
/* For what tenants alone do with them: the provider sees them. */
extern const struct noun noun_own_reservation, noun_own_quote, noun_own_project;
extern const struct noun noun_ssh_key, noun_image, noun_member, noun_service_account, noun_token;
extern const struct noun noun_quote;
extern const struct noun noun_quota;
extern const struct noun noun_instance;
extern const struct noun noun_node;
extern const struct noun noun_invoice;
extern const struct noun noun_usage;
extern const struct noun noun_webhook;
extern const struct noun noun_webhook_made, noun_token_made; /* with what is shown once */
extern const struct noun noun_maintenance, noun_replacement;
extern const struct noun noun_audit;
extern const struct noun noun_session, noun_sessions_ended; /* how many were ended */
extern const struct noun noun_price;
extern const struct noun noun_meter, noun_meter_reading;
extern const struct noun noun_zone, noun_reconciler;
extern const struct noun noun_instance_type;

extern const struct column amendment_details[];
extern const struct column instance_action_columns[], instance_action_details[];
extern const struct column instance_of_reservation_columns[];

/* Where the noun is for this token: the tenant's part of the API or the operators'. */
MUST_CHECK enum err_kind noun_path(struct session *session, const struct noun *noun, const char **ret,
                                   struct err *reterr);

/* Collects at most `limit` items, page by page, into *ret, an array that is the caller's. *ret_next, the arena's, is
 * the next page's mark where there is more, else NULL. */
MUST_CHECK enum err_kind noun_items(struct session *session, const char *path, const char *query, int64_t limit,
                                    json_t **ret, const char **ret_next, struct err *reterr);

/* Prints items, and says where they are not all: next as noun_items() has it. */
void noun_print(struct session *session, const struct column *shown, json_t *items, const char *next);

/* The path of the one that the command line names, by id or by what people call it: "/v1/reservations/rsv_...".
 * base is what noun_path gave. ERR_NOT_FOUND where nothing is called so. */
MUST_CHECK enum err_kind noun_find(struct session *session, const struct noun *noun, const char *base, const char **ret,
                                   struct err *reterr);
