/* What a quote costs. Pure arithmetic is common/rating.h, the same that rates usage: so an estimate is what the invoice
 * comes to if everything is delivered. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/resources/price_estimate.h"

/* *ret becomes the JSON of the quote's field "price", in the request's arena; NULL where nothing is granted (any more),
 * where no price is valid, and where a shape may land on several models, each with a price of its own. */
MUST_CHECK enum err_kind quote_price(struct request *request, const char *quote_id, const char **ret,
                                     struct err *reterr);

/* The same JSON, of an estimate that is known. */
MUST_CHECK enum err_kind quote_price_json(struct request *request, const struct price_terms *terms,
                                          const struct price_estimate *estimate, const char **ret, struct err *reterr);

/* The same as numbers, with what they are of: all zero where nothing is granted. */
MUST_CHECK enum err_kind quote_estimate(struct request *request, const char *quote_id, struct price_terms *ret_terms,
                                        struct price_estimate *ret, struct err *reterr);

/* How the JSON is documented. */
extern const struct field quote_price_fields[];

extern const struct db_stmt *const quote_price_statements[];
