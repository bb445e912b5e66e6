/* Asking for credit, and settling it. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/reconcile/credit.h"
#include "provisioner/reconcile/amend.h"
#include "provisioner/reconcile/json_text.h"
#include "provisioner/reconcile/verdict.h"

#include "common/money.h"

static const struct db_stmt statement_ask = {
    .name = "credit_ask",
    .sql = "SELECT ordinal, currency, limit_u, used_u, held_u, needed_u"
           "  FROM credit_ask($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[]) WHERE NOT is_covered",
    .params = 4,
};

static const struct db_stmt statement_settle = {
    .name = "credit_settle",
    .sql = "SELECT credit_settle($1::uuid[])",
    .params = 1,
};

static const struct db_stmt statement_look = {
    .name = "credit_look",
    .sql =
        "SELECT is_covered, currency, limit_u, used_u, held_u, needed_u"
        "  FROM credit_look($1::uuid, $2::uuid, $3::text, $4::uuid, $5::text[], $6::text, $7::bigint, $8::bigint, $9::bigint)",
    .params = 9,
};

const struct db_stmt *const credit_statements[] = {&statement_ask, &statement_settle, &statement_look, NULL};

/* What is asked, and whom the answer is for. */
struct questions {
    struct db_array reservation, starts, ends, count;
    const char ***answers; /* per question, in their order */
};

static void questions_release(struct questions *questions)
{
    db_array_clear(&questions->reservation);
    db_array_clear(&questions->starts);
    db_array_clear(&questions->ends);
    db_array_clear(&questions->count);
}

static void add(struct questions *questions, struct reservation *reservation, const struct amend_terms *terms,
                const char **answer)
{
    reservation->is_asked = true;
    questions->answers[questions->count.count] = answer;
    db_array_identity(&questions->reservation, reservation->wish.id);
    db_array_int(&questions->starts, terms->starts_s);
    apply_instant(&questions->ends, terms->ends_s);
    db_array_int(&questions->count, terms->count);
}

/* It waits for its first verdict, or for its turn. */
static bool is_undecided(const struct reservation *reservation)
{
    bool is_open = reservation->is.state == RESERVATION_PENDING || reservation->is.state == RESERVATION_WAITLISTED;
    return reservation->is_limited && is_open && !reservation->wish.cancel_requested;
}

/* The window that is put to the planner first; another one is as long. */
static struct amend_terms terms_of_wish(const struct reservation *reservation)
{
    const struct wish *wish = &reservation->wish;
    struct planner_request request = verdict_request(reservation);
    return (struct amend_terms){
        .starts_s = request.from, .ends_s = wish_is_open(wish) ? NEVER : request.to, .count = wish->count};
}

static void add_wish(struct questions *questions, struct reservation *reservation)
{
    struct amend_terms terms = terms_of_wish(reservation);
    if (terms.ends_s > terms.starts_s) /* else it is too late for it anyway */
        add(questions, reservation, &terms, &reservation->uncovered);
}

static void add_amendments(struct questions *questions, struct reservation *reservation)
{
    for (uint32_t i = 0; i < reservation->amendment_count; i++) {
        struct amendment *amendment = &reservation->amendments[i];
        struct amend_terms terms = amend_terms_of(reservation, amendment);
        if (terms.ends_s > terms.starts_s) /* else it is refused for that */
            add(questions, reservation, &terms, &amendment->uncovered);
    }
}

static size_t questions_max(const struct world *world)
{
    size_t most = 0;
    for (uint32_t i = 0; i < world->reservation_count; i++) {
        if (world->reservations[i].is_limited)
            most += 1 + world->reservations[i].amendment_count;
    }
    return most;
}

/* What a refused tenant is told: the limit, what of it is used and held, and what would be needed. */
static const char *binding_of(struct arena *arena, const PGresult *result, int row)
{
    enum { CURRENCY = 1, LIMIT, USED, HELD, NEEDED, AMOUNTS = NEEDED - CURRENCY };
    char amounts[AMOUNTS][MONEY_TEXT_SIZE];
    const char *currency = db_text(result, row, CURRENCY);
    for (int i = 0; i < AMOUNTS; i++)
        money_print(db_int(result, row, LIMIT + i, 0), amounts[i]);
    const char *message = arena_format(
        arena, "it may cost %s %s, and of the credit limit of %s %s, %s are used and %s held for other reservations",
        amounts[NEEDED - LIMIT], currency, amounts[0], currency, amounts[USED - LIMIT], amounts[HELD - LIMIT]);
    return arena_format(arena,
                        "{\"constraint\":\"credit\",\"message\":%s,\"currency\":\"%s\",\"limit\":\"%s\","
                        "\"used\":\"%s\",\"held\":\"%s\",\"needed\":\"%s\"}",
                        json_text(arena, message), currency, amounts[0], amounts[USED - LIMIT], amounts[HELD - LIMIT],
                        amounts[NEEDED - LIMIT]);
}

enum err_kind credit_observe(struct world *world, struct db *db, struct err *reterr)
{
    size_t most = questions_max(world);
    if (most == 0)
        return ERR_NONE;
    CLEANUP(questions_release)
    struct questions questions = {.answers = arena_alloc(world->arena, most * sizeof *questions.answers)};
    for (uint32_t i = 0; i < world->reservation_count; i++) {
        struct reservation *reservation = &world->reservations[i];
        if (is_undecided(reservation))
            add_wish(&questions, reservation);
        else if (reservation->is_limited)
            add_amendments(&questions, reservation);
    }
    if (questions.count.count == 0)
        return ERR_NONE;
    CLEANUP(db_result_clear) PGresult *refused = NULL;
    enum err_kind kind = db_run(db, &statement_ask,
                                DB_PARAMS(db_array_param(&questions.reservation), db_array_param(&questions.starts),
                                          db_array_param(&questions.ends), db_array_param(&questions.count)),
                                &refused, reterr);
    for (int row = 0; kind == ERR_NONE && row < PQntuples(refused); row++)
        *questions.answers[db_int(refused, row, 0, 0) - 1] = binding_of(world->arena, refused, row);
    return kind;
}

/* ---- Without asking ---- */

static enum err_kind look(const struct reservation *reservation, const struct amend_terms *terms, struct db *db,
                          PGresult **ret, struct err *reterr)
{
    const struct wish *wish = &reservation->wish;
    char id[UUID_TEXT_SIZE], tenant[UUID_TEXT_SIZE], type[UUID_TEXT_SIZE];
    char starts[DB_INT_TEXT_SIZE], ends[DB_INT_TEXT_SIZE], milli[DB_INT_TEXT_SIZE];
    CLEANUP(db_array_clear) struct db_array models = {0};
    bool has_type = !identity_is_nil(wish->type);
    identity_to_uuid(wish->id, id);
    identity_to_uuid(wish->tenant, tenant);
    identity_to_uuid(wish->type, type);
    for (uint32_t i = 0; i < wish->gpu_model_count; i++)
        db_array_text(&models, wish->gpu_models[i]);
    return db_run(db, &statement_look,
                  DB_PARAMS(id, tenant, wish->project, has_type ? type : NULL, db_array_param(&models), wish->tier,
                            db_int_param(starts, terms->starts_s),
                            terms->ends_s == NEVER ? NULL : db_int_param(ends, terms->ends_s),
                            db_int_param(milli, terms->count * instance_gpu_milli(wish))),
                  ret, reterr);
}

enum err_kind credit_look(struct reservation *reservation, const struct amendment *amendment, struct db *db,
                          const char **ret, struct err *reterr)
{
    struct amend_terms terms = amendment == NULL ? terms_of_wish(reservation) : amend_terms_of(reservation, amendment);
    *ret = NULL;
    if (terms.ends_s <= terms.starts_s) /* it is refused for that */
        return ERR_NONE;
    CLEANUP(db_result_clear) PGresult *result = NULL;
    enum err_kind kind = look(reservation, &terms, db, &result, reterr);
    if (kind != ERR_NONE)
        return kind;
    bool is_limited = PQntuples(result) > 0;
    reservation->is_limited |= is_limited;
    if (is_limited && !db_bool(result, 0, 0))
        *ret = binding_of(reservation->world->arena, result, 0);
    return ERR_NONE;
}

enum err_kind credit_apply(struct world *world, struct apply_queue *queue, struct err *reterr)
{
    CLEANUP(db_array_clear) struct db_array asked = {0};
    for (uint32_t i = 0; i < world->reservation_count; i++) {
        if (world->reservations[i].is_asked)
            db_array_identity(&asked, world->reservations[i].wish.id);
    }
    if (asked.count == 0)
        return ERR_NONE;
    return apply_send(queue, &statement_settle, DB_PARAMS(db_array_param(&asked)), -1, reterr);
}
