/* The rows of an invoice, from a draft on: what it is drawn up from, on which terms, and what it says. Each call is
 * part of the caller's transaction. One thread. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/db.h"
#include "common/invoice_amounts.h"

/* An invoice that is being drawn up, of one tenant and period. Starts as {.tenant, .starts_at_s, .ends_at_s}. */
struct invoice_draft {
    struct identity id, tenant;
    int64_t starts_at_s, ends_at_s;      /* the billing period */
    char currency[4];                    /* ISO 4217 */
    int exponent;                        /* of its minor unit */
    struct invoice_line_amount *amounts; /* per line */
    struct money_share *tax;             /* per line: what is shown */
    struct invoice_amounts totals;
    size_t count;    /* of lines; 0: there is nothing to bill */
    PGresult *rows;  /* the rated groups, one per line */
    PGresult *terms; /* who buys on which terms, and the tax */
};
void invoice_draft_release(struct invoice_draft *draft); /* for CLEANUP */

/* Closes the period: it takes no more rated lines. *ret_was_open is false where it was closed already. */
MUST_CHECK enum err_kind invoice_close_period(struct db *db, const struct invoice_draft *draft, bool *ret_was_open,
                                              struct err *reterr);
/* Draws up lines, one per rated group, and totals. ERR_PRECONDITION: its tax has no rate at the period's end. */
MUST_CHECK enum err_kind invoice_draw_up(struct db *db, struct invoice_draft *draft, struct err *reterr);
/* Whether the draft's terms say that an operator issues it. */
bool invoice_waits_for_operator(const struct invoice_draft *draft);
/* Writes it as a new invoice of status draft; replaces: the void one that it stands for, or NULL. */
MUST_CHECK enum err_kind invoice_insert(struct db *db, const struct invoice_draft *draft,
                                        const struct identity *replaces, struct err *reterr);
/* Writes it in place of what the invoice of draft->id, a draft, said before. */
MUST_CHECK enum err_kind invoice_rewrite(struct db *db, const struct invoice_draft *draft, struct err *reterr);
/* Freezes a draft: its content, the configuration that it is of, and the hash. */
MUST_CHECK enum err_kind invoice_finalize(struct db *db, struct identity id, struct err *reterr);

extern const struct db_stmt *const invoice_store_statements[];
