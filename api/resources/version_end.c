/* The end of a version: end it, say so. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/version_end.h"

const struct field version_end_fields[] = {
    FIELD_TIME("valid_until", struct version_end, valid_until, .flags = FIELD_NULLABLE,
               .help = "Domain time, exclusive, not in the past; null: now"),
    FIELDS_END,
};

enum err_kind version_end(struct request *request, const struct version *version, struct err *reterr)
{
    const struct version_end *wish = request->body;
    const PGresult *ended = NULL;
    enum err_kind kind = request_run(
        request, version->end, DB_PARAMS(request->object, request_int(request, wish->valid_until)), &ended, reterr);
    if (kind != ERR_NONE)
        return kind;
    if (PQntuples(ended) == 0)
        return err_set_code(reterr, ERR_CONFLICT, "price_overlaps", "%s", version->refusal);
    return request_event(request, db_text(ended, 0, 0), NULL, version->kind, request->object, 2, version->event,
                         reterr);
}
