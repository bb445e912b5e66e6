/* One request for a reservation or quote on its way through a batch: reservation_batch.c prepares it and answers,
 * reservation_admit.c puts it to the database and registers who waits for the verdict. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/resources/reservation.h"
#include "api/server/follower.h"
#include "api/server/holder_watch.h"
#include "api/server/server.h"

struct outcome {
    const char *text; /* as admission_enter() says it; a problem's code where kind is not ERR_NONE */
    enum err_kind kind;
    const char *detail;
};

enum { OUTCOME_CREATED, OUTCOME_CONFIRMED, OUTCOME_REPLAYED, OUTCOME_KEY_REUSED };
extern const struct outcome admission_outcomes[];

struct admission {
    struct batch_item item; /* first */
    struct waiter waiter;
    struct holder_watch watch;
    struct job peek; /* its own: it may still be queued when the request asks other zones */
    struct reservation *wish;
    bool is_quote;           /* a quote is asked for; wish->quote: one is confirmed */
    char id[UUID_TEXT_SIZE]; /* made beforehand */
    char audit_id[UUID_TEXT_SIZE];
    char object[UUID_TEXT_SIZE]; /* what answers: id; the quote; or on a replay the first one's */
    const struct outcome *outcome;
    int64_t wait_ms; /* 0: answer at once */
    atomic_bool is_committed;
    bool counts; /* against the limits on waiting */
};

static inline struct admission *admission_of(struct batch_item *item)
{
    return (struct admission *)(void *)item;
}

static inline bool admission_is(const struct admission *admission, int outcome)
{
    return admission->outcome == &admission_outcomes[outcome];
}

/* What the table of fields cannot say of the request's body. ERR_INVALID. */
MUST_CHECK enum err_kind admission_check(struct request *request, struct err *reterr);
/* One of the request's body, pending under the id that was made for it. */
void admission_begin(struct admission *admission, struct request_internal *internal);

/* What would come of it, as far as the database can say; everything is as before. *ret has the columns of
 * admission_preview(), *ret_outcome what the first of them means. */
enum admission_preview_column {
    PREVIEW_OUTCOME,
    PREVIEW_OBJECT,
    PREVIEW_CREATED_AT,
    PREVIEW_HOLD_UNTIL,
    PREVIEW_ZONE,
    PREVIEW_QUESTION,
    PREVIEW_SKU_KIND,
    PREVIEW_SKU,
    PREVIEW_CURRENCY,
    PREVIEW_GPU_MILLI
};
MUST_CHECK enum err_kind admission_preview(struct request *request, const struct admission *admission,
                                           const PGresult **ret, const struct outcome **ret_outcome,
                                           struct err *reterr);

/* batch_work.admit */
extern const struct db_stmt admission_notify; /* wakes the zones' leaders */
enum err_kind admission_admit(struct db *db, struct batch_item *const *items, size_t count,
                              uint64_t *ret_transaction_id, struct err *reterr);
/* No verdict is waited for any more; whoever had been registered gives its reference back. */
void admission_unwatch(struct admission *admission);
