/* Printed anew each time, from the frozen rows: the bytes are those whose hash was stored at issue. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/document_pdf.h"

#include "api/server/answer.h"
#include "common/invoice_pdf.h"

#include <stdlib.h>

enum err_kind document_pdf_answer(struct request *request, struct response *response, const struct db_stmt *stmt,
                                  const char *noun, struct err *reterr)
{
    const PGresult *found = NULL;
    unsigned char *bytes = NULL;
    size_t length = 0;
    enum err_kind kind = answer_find(request, stmt, request->object, noun, &found, reterr);
    if (kind != ERR_NONE)
        return kind;
    const char *document = db_text(found, 0, PQfnumber(found, "document"));
    if (document == NULL)
        return err_set_code(reterr, ERR_CONFLICT, "invoice_not_issued", "what is not issued has no document yet");
    if (response_is_known(request, response, found, 0))
        return ERR_NONE;
    kind = invoice_pdf_render(document, &bytes, &length, reterr);
    if (kind != ERR_NONE)
        return kind;
    response->status = 200;
    response->content_type = "application/pdf";
    response_header(
        response, "Content-Disposition",
        arena_format(request->arena, "inline; filename=\"%s.pdf\"", db_text(found, 0, PQfnumber(found, "number"))));
    json_out_bytes(&response->body, (const char *)bytes, length);
    free(bytes);
    return ERR_NONE;
}
