/* How a price counts: its fields beyond the GPU-hour, their checks, and their text for the table. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/server/request.h"

struct price_model {
    const char *model;
    struct field_rows tiers, windows;
    int64_t package_gpu_hours; /* FIELD_NULL: none */
    int64_t minimum_s;
};

extern const struct field price_tier_fields[];
extern const struct field price_window_fields[];
extern const char *const price_models[];
#define PRICE_TIER_SIZE   (sizeof(struct price_tier))
#define PRICE_WINDOW_SIZE (sizeof(struct price_window_wish))

struct price_tier {
    int64_t up_to_gpu_hours; /* FIELD_NULL: no end */
    int64_t gpu_hour_u;
};

struct price_window_wish {
    struct field_list days;
    const char *from, *to; /* "HH:MM" */
    int64_t gpu_hour_u;
};

/* What a GPU-hour, or a unit of a meter, may cost: a hundred million of the currency, however little that is worth. Eight
 * GPUs for the longest month (5,952 GPU-hours) then still fit a line of the books; what does not is held by its own. */
#define PRICE_MOST_U INT64_C(100000000000000)

/* Adds what is wrong to the request's problems. first_u: the price's GPU-hour. */
void price_model_check(struct request *request, const struct price_model *model, int64_t first_u);
/* The least that a GPU-hour can cost: of the first, and of every tier and window. */
int64_t price_model_least_u(const struct price_model *model, int64_t first_u);
/* The most that one can cost, likewise. */
int64_t price_model_most_u(const struct price_model *model, int64_t first_u);
/* JSON for the columns tiers and windows; NULL: none. */
const char *price_model_tiers(struct request *request, const struct price_model *model);
const char *price_model_windows(struct request *request, const struct price_model *model);

/* The same columns for answers, as SELECT expressions of a price p. A list within a row is the text of its JSON. */
#define PRICE_MODEL_COLUMNS                                                                                            \
    "p.model, (SELECT json_agg(json_build_object('up_to_gpu_hours', (e.t->>'up_to_gpu_hours')::bigint,"                \
    "   'gpu_hour', (e.t->>'gpu_hour_u')::bigint) ORDER BY e.n)"                                                       \
    "   FROM jsonb_array_elements(p.tiers) WITH ORDINALITY AS e (t, n)) AS tiers, p.package_gpu_hours,"                \
    " (SELECT json_agg(json_build_object('days', (SELECT json_agg(d.name ORDER BY d.n)::text"                          \
    "   FROM unnest('{mon,tue,wed,thu,fri,sat,sun}'::text[]) WITH ORDINALITY AS d (name, n)"                           \
    "   WHERE (e.w->>'days')::integer >> (d.n::integer - 1) & 1 = 1), 'from', e.w->>'from', 'to', e.w->>'to',"         \
    "   'gpu_hour', (e.w->>'gpu_hour_u')::bigint) ORDER BY e.n)"                                                       \
    "   FROM jsonb_array_elements(p.windows) WITH ORDINALITY AS e (w, n)) AS windows, p.minimum_s"
