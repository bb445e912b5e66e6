/* Reservations and quotes: what their files share (fields; routes and reads of either; the batch that creates). */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/server/batcher.h"
#include "api/server/route.h"

#define RESERVATION_COUNT_MAX      100000
#define RESERVATION_DURATION_MAX_S (INT64_C(3650) * 86400) /* ten years */

struct reservation {
    const char *id;
    const char *tenant; /* name; for operators */
    const char *name;
    const char *project;
    const char *instance_type;
    struct reservation_shape {
        struct field_list gpu_models; /* .array NULL: an instance type was named */
        int64_t gpus, gpu_milli;      /* one of them */
        int64_t cpu_milli, memory_mib;
    } shape;
    int64_t count;
    const char *zone;
    int64_t starts_at, ends_at;
    int64_t duration_s; /* with start_range, instead of the two */
    struct field_span start_range;
    struct reservation_placement {
        const char *within, *mode, *spread;
    } placement;
    const char *tier;
    const char *if_unavailable;
    const char *image;
    struct field_list ssh_keys;
    const char *user_data;
    const char *authorized_keys; /* JSON */
    const char *labels;
    int64_t created_at, cancel_requested_at, deleted_at;
    struct reservation_verdict {
        const char *state, *health, *reason;
        int64_t starts_at, ends_at, ends_by, decided_at, delivered_count;
        const char *binding, *alternatives, *waitlist;
    } status;
    const char *instances;
    struct field_money cost_delta; /* answers add it themselves: reservation.c */
    const char *quote;             /* a UUID: the quote that is confirmed, and nothing else is given */
    int64_t ttl_s;                 /* of a quote, as what follows */
    int64_t hold_until;
    const char *price;  /* JSON */
    const char *became; /* a UUID: the reservation */
};

/* A refusal is useful: the problem gets what bound, what would fit, and the id under which it stays readable (NULL: it
 * was only a preview). */
enum err_kind reservation_refusal(struct request *request, enum identity_kind identity, const char *id,
                                  const struct reservation_verdict *verdict, struct err *reterr);
/* What a POST of one is answered with, from its row: 201; 202 while it is open; or its refusal. */
enum err_kind reservation_answer(struct request *request, struct response *response, enum identity_kind identity,
                                 const PGresult *result, struct err *reterr);

/* Its row, as reservation_fields have it. ERR_NOT_FOUND. */
enum err_kind reservation_find(struct request *request, const char *id, const PGresult **ret, struct err *reterr);
/* The reservation as it is, under that status. */
enum err_kind reservation_show(struct request *request, struct response *response, int status, const char *id,
                               struct err *reterr);

/* A window is two times, or a length and a range for its start: adds to the request's problems where it is neither. */
void reservation_check_window(struct request *request, const struct reservation *wish);
/* Whatever start is taken of the range, the end is a time that can be told. */
void reservation_check_latest(struct request *request, const struct field_span *range, int64_t duration_s);

/* ---- reservation_list.c ---- */
route_handler reservation_list;
extern const struct schema reservation_query_schema, system_reservation_query_schema;
extern const struct db_stmt *const reservation_list_statements[];

/* ?validate_only=true of the POST of a reservation or quote: what would come of it by database and planner. */
route_handler reservation_preview;

/* ---- reservation_fields.c ---- */
extern const struct field reservation_fields[];
extern const struct field quote_fields[];
extern const struct field reservation_shape_fields[], reservation_placement_fields[], reservation_price_fields[];
extern const char *const reservation_tiers[]; /* NULL-terminated */
extern const struct schema reservation_schema, reservation_instance_schema, quote_schema;
extern const char *const reservation_states[]; /* NULL-terminated */
extern const char *const quote_states[];
extern const char *const reservation_passing[]; /* states that it leaves by itself, soon */
/* Places of fields in the tables, for FIELD_PRESENT; a test keeps them true. */
enum { RESERVATION_FIELD_SHAPE = 5, RESERVATION_FIELD_QUOTE = 21 };

extern const struct batch_work reservation_batch;
extern const struct db_stmt *const reservation_preview_statements[], *const admission_preview_statements[];
extern const struct db_stmt *const reservation_batch_statements[];   /* of sluice_api_writer */
extern const struct db_stmt *const reservation_decided_statements[]; /* of sluice_api_system */
