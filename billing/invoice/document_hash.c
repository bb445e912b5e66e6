/* Print, hash, store. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "billing/invoice/document_hash.h"

#include "common/hex.h"
#include "common/invoice_pdf.h"
#include "common/must.h"

#include <openssl/sha.h>
#include <stdlib.h>

enum err_kind document_hash_store(struct db *db, const struct db_stmt *document, const struct db_stmt *store,
                                  const char *object, struct err *reterr)
{
    unsigned char *bytes = NULL;
    size_t length = 0;
    CLEANUP(db_result_clear) PGresult *told = NULL;
    enum err_kind kind = db_run(db, document, DB_PARAMS(object), &told, reterr);
    if (kind == ERR_NONE)
        kind = invoice_pdf_render(db_text(told, 0, 0), &bytes, &length, reterr);
    if (kind != ERR_NONE)
        return kind;
    unsigned char hash[SHA256_DIGEST_LENGTH];
    char text[HEX_TEXT_SIZE(SHA256_DIGEST_LENGTH)];
    must(SHA256(bytes, length, hash) != NULL);
    free(bytes);
    hex_print(hash, sizeof hash, text);
    return db_run(db, store, DB_PARAMS(object, text), NULL, reterr);
}
