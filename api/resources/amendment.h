/* Amendments: asking for other terms, which POST .../amendments and PATCH of the reservation share. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/resources/reservation.h"

/* What is asked for; what is not given stays as it is. */
struct amendment_wish {
    int64_t starts_at; /* FIELD_NULL: the instant of the decision */
    int64_t ends_at;   /* FIELD_NULL: until cancelled */
    int64_t count;
    bool changes_start, changes_end, changes_count;
    const struct reservation *window; /* as the request gave it, all of it: so it is wished then; NULL: it did not */
    const char *beside; /* JSON: what the same request changed at once, undone with a refusal; NULL: nothing */
};

/* A reservation that is to be changed, locked. Texts belong to the request. */
struct amendment_subject {
    int64_t revision; /* of the wish, as it is now */
    const char *id, *zone_id, *tenant_id;
    const char *state;
    bool is_cancelled;
    int64_t starts_at, ends_at, count; /* granted; FIELD_NULL as an end: open */
    int64_t now;
    int64_t open_count;                                   /* amendments that wait for their verdict */
    const char *name, *project, *if_unavailable, *labels; /* labels: JSON */
};

/* How the routes that change a reservation lock it. */
extern const struct object_lock amendment_lock;
/* The reservation that is locked. ERR_FORBIDDEN where its tenant is suspended. */
MUST_CHECK enum err_kind amendment_subject_of(const struct request *request, struct amendment_subject *ret,
                                              struct err *reterr);
bool amendment_is_empty(const struct amendment_wish *wish);
/* Whether it may be asked for: what can be said without the planner. */
MUST_CHECK enum err_kind amendment_check(struct request *request, const struct amendment_subject *subject,
                                         const struct amendment_wish *wish, struct err *reterr);
/* Writes the wish and wakes the planner; the request awaits the verdict, and `finish` answers it. */
MUST_CHECK enum err_kind amendment_request(struct request *request, const struct amendment_subject *subject,
                                           const struct amendment_wish *wish, const char *id, route_handler *finish,
                                           struct err *reterr);
/* The row of an amendment, by its id, as its fields and reservation_id have it. */
MUST_CHECK enum err_kind amendment_find(struct request *request, const char *id, const PGresult **ret,
                                        struct err *reterr);
/* ERR_NONE unless the amendment was refused or cancelled: then the problem it is answered with. */
MUST_CHECK enum err_kind amendment_refusal(struct request *request, const PGresult *result, struct err *reterr);
bool amendment_is_open(const PGresult *result);

extern const struct db_stmt amendment_list_statement;
extern const struct db_stmt *const amendment_statements[]; /* of sluice_api */
