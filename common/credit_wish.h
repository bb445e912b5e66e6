/* A wish to credit: what it comes to, from the rows that the database holds of the invoice and of what was asked for.
 * sluice-billing issues the credit note by it, sluice-api previews it by the same. Pure but for reading results. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/credit_amounts.h"
#include "common/db.h"

/* $1 the invoice: one row. */
#define CREDIT_WISH_INVOICE                                                                                            \
    "SELECT i.tenant_id, i.currency, i.net_minor, i.tax_minor, coalesce(c.net_minor, 0), coalesce(c.tax_minor, 0)"     \
    "  FROM invoice i CROSS JOIN LATERAL (SELECT sum(n.net_minor) AS net_minor, sum(n.tax_minor) AS tax_minor"         \
    "   FROM credit_note n WHERE n.invoice_id = i.id) c WHERE i.id = $1::uuid"

enum {
    CREDIT_BILL_TENANT,
    CREDIT_BILL_CURRENCY,
    CREDIT_BILL_NET,
    CREDIT_BILL_TAX,
    CREDIT_BILL_CREDITED_NET,
    CREDIT_BILL_CREDITED_TAX
};

/* $1 the invoice, $2 the request: the lines that it names, or all where it names none, by the request's share if it has
 * one; how many it names, and how often the line was credited before. */
#define CREDIT_WISH_LINES                                                                                              \
    "WITH wish AS (SELECT * FROM invoice_request_line WHERE request_id = $2::uuid)"                                    \
    " SELECT l.line_no, l.amount_u, l.net_minor, l.gpu_milli_seconds, coalesce(c.amount_u, 0),"                        \
    "  coalesce(c.net_minor, 0), w.gpu_milli_seconds, coalesce(w.share_numerator, r.share_numerator),"                 \
    "  coalesce(w.share_denominator, r.share_denominator), w.net_minor, (SELECT count(*) FROM wish), c.credits"        \
    "  FROM invoice_request r JOIN invoice_line l ON l.invoice_id = r.invoice_id"                                      \
    "  LEFT JOIN wish w ON w.invoice_line_no = l.line_no"                                                              \
    "  CROSS JOIN LATERAL (SELECT sum(n.amount_u) AS amount_u, sum(n.net_minor) AS net_minor, count(*) AS credits"     \
    "   FROM credit_note_line n WHERE n.invoice_id = l.invoice_id AND n.invoice_line_no = l.line_no) c"                \
    " WHERE r.id = $2::uuid AND r.invoice_id = $1::uuid"                                                               \
    "   AND (w.request_id IS NOT NULL OR NOT EXISTS (SELECT FROM wish))"                                               \
    " ORDER BY l.line_no"

enum {
    CREDIT_WISH_LINE,
    CREDIT_WISH_AMOUNT,
    CREDIT_WISH_NET,
    CREDIT_WISH_QUANTITY,
    CREDIT_WISH_CREDITED_U,
    CREDIT_WISH_CREDITED_MINOR,
    CREDIT_WISH_OF_QUANTITY,
    CREDIT_WISH_NUMERATOR,
    CREDIT_WISH_DENOMINATOR,
    CREDIT_WISH_OF_AMOUNT,
    CREDIT_WISH_COUNT,
    CREDIT_WISH_CREDITS,
};

/* Fills lines[] and ret_tax[] (the caller's, one for each row of `wish`) and *ret. ERR_CONFLICT with its code: it
 * names a line that there is not, takes back more than is left, or comes to nothing. */
MUST_CHECK enum err_kind credit_wish_work_out(const PGresult *bill, const PGresult *wish, struct credit_line *lines,
                                              struct money_share *ret_tax, struct credit_tax *ret, struct err *reterr);
