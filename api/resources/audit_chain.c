/* The audit's chain: its seals, and what comes of computing it again. Verifying goes through a range of seals, a few at
 * a time, so a log of any size is verified in steps that are bounded each. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/audit/checkpoint.h"
#include "api/audit/store.h"
#include "api/resources/registry.h"
#include "api/server/answer.h"
#include "api/server/server.h"

#include <inttypes.h>
#include <string.h>

#define SEALS_DEFAULT_TEXT "1000"
#define SEALS_MAX          10000
#define SEALS_AT_ONCE      32 /* 64 KiB of hashes each */
#define PROBLEMS_MAX       100

// clang-format off
static const struct field problem_fields[] = {
    FIELD_COLUMN_WITH("seal",     FIELD_TYPE_INT, FIELD_NULLABLE, .help = "Number of the seal; null: of a checkpoint that cannot be read"),
    FIELD_COLUMN_WITH("position", FIELD_TYPE_INT, FIELD_NULLABLE, .help = "Which row, counted from 0 over the whole log; null: none in particular"),
    FIELD_COLUMN("kind",          FIELD_TYPE_TEXT, .help = "seal_changed, seal_unlinked, row_changed, row_missing, row_added, truncated, rewritten or checkpoint_forged"),
    FIELD_COLUMN("detail",        FIELD_TYPE_TEXT, .help = "What that means"),
    FIELDS_END,
};

struct verification {
    bool is_whole;
    int64_t from, until, next;
    int64_t seals, rows, expired, checkpoints;
    const char *problems;
};
static const struct field verification_fields[] = {
    FIELD_BOOL("ok",          struct verification, is_whole, .flags = FIELD_READ_ONLY, .help = "Nothing is wrong with what was looked at"),
    FIELD_INT ("from",        struct verification, from, .flags = FIELD_READ_ONLY | FIELD_NULLABLE, .help = "First seal looked at; null: there is none"),
    FIELD_INT ("until",       struct verification, until, .flags = FIELD_READ_ONLY | FIELD_NULLABLE, .help = "Last seal looked at"),
    FIELD_INT ("next",        struct verification, next, .flags = FIELD_READ_ONLY | FIELD_NULLABLE, .help = "Where to go on, as ?from=; null: this was all"),
    FIELD_INT ("seals",       struct verification, seals, .flags = FIELD_READ_ONLY, .help = "How many seals were computed again"),
    FIELD_INT ("rows",        struct verification, rows, .flags = FIELD_READ_ONLY, .help = "How many rows"),
    FIELD_INT ("expired",     struct verification, expired, .flags = FIELD_READ_ONLY, .help = "Seals of which rows are older than the audit keeps: only their place in the chain was looked at"),
    FIELD_INT ("checkpoints", struct verification, checkpoints, .flags = FIELD_READ_ONLY, .help = "Checkpoints of this server's file that were compared"),
    FIELD_JSON("problems",    struct verification, problems, .fields = problem_fields, .is_list = true, .flags = FIELD_READ_ONLY, .help = "What is wrong; the first hundred"),
    FIELDS_END,
};

struct verify_query {
    int64_t from, seals;
};
static const struct field verify_query_fields[] = {
    FIELD_INT("from",  struct verify_query, from, .least = 1, .most = INT64_MAX, .fallback = "1", .help = "Number of the seal to begin with"),
    FIELD_INT("seals", struct verify_query, seals, .least = 1, .most = SEALS_MAX, .fallback = SEALS_DEFAULT_TEXT, .help = "How many seals to look at, at most"),
    FIELDS_END,
};

static const struct field seal_fields[] = {
    FIELD_COLUMN("number",        FIELD_TYPE_INT,  .help = "Rises by one"),
    FIELD_COLUMN("sealed_at",     FIELD_TYPE_TIME, .help = "Real time"),
    FIELD_COLUMN("position",      FIELD_TYPE_INT,  .help = "How many rows were sealed before it"),
    FIELD_COLUMN("row_count",     FIELD_TYPE_INT,  .help = "How many rows it seals"),
    FIELD_COLUMN("recorded_from", FIELD_TYPE_INT,  .help = "The earliest recorded_us of its rows"),
    FIELD_COLUMN("last_transaction", FIELD_TYPE_TEXT, .help = "Transaction of its last row"),
    FIELD_COLUMN("last_id",       FIELD_TYPE_ID,   .identity = IDENTITY_AUDIT, .help = "Its last row"),
    FIELD_COLUMN("row_hashes",    FIELD_TYPE_TEXT, .help = "SHA-256 of each row, in order, hexadecimal"),
    FIELD_COLUMN("previous_hash", FIELD_TYPE_TEXT, .help = "The hash of the seal before; zeros for the first"),
    FIELD_COLUMN("hash",          FIELD_TYPE_TEXT, .help = "SHA-256 over all of the above but sealed_at"),
    FIELDS_END,
};
// clang-format on

static const struct schema verification_schema = {"AuditVerification", verification_fields,
                                                  sizeof(struct verification)};
static const struct schema verify_query_schema = {"AuditVerifyQuery", verify_query_fields, sizeof(struct verify_query)};
static const struct schema seal_schema = {"AuditSeal", seal_fields, 0};

static const struct db_stmt statement_list = {
    .name = "audit_seal_list",
    .sql = "SELECT s.number, extract(epoch FROM s.sealed_at)::bigint AS sealed_at, s.position, s.row_count,"
           " (extract(epoch FROM s.recorded_from) * 1000000)::bigint AS recorded_from,"
           " s.last_xid::text AS last_transaction, s.last_id, encode(s.row_hashes, 'hex') AS row_hashes,"
           " encode(s.previous_hash, 'hex') AS previous_hash, encode(s.hash, 'hex') AS hash, s.number AS page_key"
           " FROM audit_seal s WHERE ($1::bigint IS NULL OR s.number > $1::bigint) ORDER BY s.number LIMIT $2::bigint",
    .params = 2,
};

/* Before it, partitions of the audit may have been dropped. */
static const struct db_stmt statement_expiry = {
    .name = "audit_expiry",
    .sql = "SELECT (extract(epoch FROM clock_timestamp() - keep) * 1000000)::bigint FROM partition_policy"
           " WHERE table_name = 'audit'",
    .params = 0,
};

static enum err_kind list_seals(struct request *request, struct response *response, struct err *reterr)
{
    return answer_page(request, response, &statement_list, DB_NO_PARAMS, reterr);
}

/* ---- Verifying ---- */

struct verifier {
    struct request *request;
    struct verification found;
    struct json_out problems;
    int64_t problem_count;
    int64_t expiry_us;
    int64_t first_number;               /* of the chain as it is; 0: there is none */
    uint8_t (*hashes)[AUDIT_HASH_SIZE]; /* by number, from found.from on; zeros: no such seal was found */
    int64_t hashes_max;
    int64_t newest_checkpoint;
};

static void report(struct verifier *verifier, enum audit_finding finding, int64_t seal, int64_t position)
{
    verifier->found.is_whole = false;
    if (verifier->problem_count++ >= PROBLEMS_MAX)
        return;
    struct json_out *out = &verifier->problems;
    json_out_open(out, '{');
    json_out_key(out, "seal");
    if (seal > 0)
        json_out_int(out, seal);
    else
        json_out_null(out);
    json_out_key(out, "position");
    if (position >= 0)
        json_out_int(out, position);
    else
        json_out_null(out);
    json_out_key(out, "kind");
    json_out_text(out, audit_finding_text(finding));
    json_out_key(out, "detail");
    json_out_text(out, audit_finding_meaning(finding));
    json_out_close(out, '}');
}

static enum err_kind verify_rows(struct verifier *verifier, const struct audit_seal *before,
                                 const struct audit_seal *seal, struct err *reterr)
{
    CLEANUP(arena_freep) struct arena *arena = arena_new();
    CLEANUP(db_result_clear) PGresult *result = NULL;
    enum err_kind kind = audit_store_sealed_rows(verifier->request->db, before, seal, &result, reterr);
    if (kind != ERR_NONE)
        return kind;
    int64_t index = 0;
    size_t count = (size_t)PQntuples(result);
    enum audit_finding finding = audit_check_rows(seal, audit_store_rows(arena, result), count, &index);
    if (finding != AUDIT_FINE)
        report(verifier, finding, seal->number, seal->position + index);
    verifier->found.rows += (int64_t)count;
    return ERR_NONE;
}

/* Where the seal before is gone nobody knows where its rows begin; and rows older than what is kept may be gone. */
static enum err_kind verify_seal(struct verifier *verifier, const struct audit_seal *before,
                                 const struct audit_seal *seal, struct err *reterr)
{
    enum audit_finding finding = audit_check_seal(before, seal);
    if (finding != AUDIT_FINE)
        report(verifier, finding, seal->number, -1);
    int64_t index = seal->number - verifier->found.from;
    if (index < verifier->hashes_max) /* beyond it where numbers are missing */
        memcpy(verifier->hashes[index], seal->hash, AUDIT_HASH_SIZE);
    verifier->found.seals++;
    verifier->found.until = seal->number;
    bool is_expired = seal->recorded_from_us < verifier->expiry_us || (before == NULL && seal->number > 1);
    if (!is_expired)
        return verify_rows(verifier, before, seal, reterr);
    verifier->found.expired++;
    return ERR_NONE;
}

/* A few seals from `from` on. *before is the one in front of them and becomes the last of them, in `arena`. */
static enum err_kind verify_some(struct verifier *verifier, struct arena **arena, struct audit_seal **before,
                                 int64_t from, int64_t count, struct err *reterr)
{
    struct arena *next = arena_new();
    struct audit_seal *seals = NULL;
    size_t found = 0;
    enum err_kind kind = audit_store_seals(verifier->request->db, next, from, count, &seals, &found, reterr);
    for (size_t i = 0; i < found && kind == ERR_NONE; i++) {
        kind = verify_seal(verifier, *before, &seals[i], reterr);
        *before = &seals[i];
    }
    verifier->found.next = kind == ERR_NONE && (int64_t)found == count ? seals[found - 1].number + 1 : FIELD_NULL;
    arena_free(*arena);
    *arena = next;
    return kind;
}

static enum err_kind verify_range(struct verifier *verifier, int64_t from, int64_t seals_max, struct err *reterr)
{
    CLEANUP(arena_freep) struct arena *arena = arena_new();
    struct audit_seal *seals = NULL, *before = NULL;
    size_t count = 0;
    enum err_kind kind =
        audit_store_seals(verifier->request->db, arena, from > 1 ? from - 1 : 1, 2, &seals, &count, reterr);
    if (kind != ERR_NONE || count == 0)
        return kind;
    if (seals[0].number < from)
        before = &seals[0];
    if (before != NULL && count == 1)
        return ERR_NONE; /* nothing behind it */
    verifier->found.from = before == NULL ? seals[0].number : seals[1].number;
    verifier->found.next = from;
    while (kind == ERR_NONE && verifier->found.next != FIELD_NULL && verifier->found.seals < seals_max) {
        int64_t left = seals_max - verifier->found.seals;
        kind = verify_some(verifier, &arena, &before, verifier->found.next, left < SEALS_AT_ONCE ? left : SEALS_AT_ONCE,
                           reterr);
    }
    return kind;
}

/* ---- Checkpoints ---- */

static bool is_rewritten(const struct verifier *verifier, const struct audit_checkpoint *checkpoint)
{
    const struct verification *found = &verifier->found;
    if (found->seals == 0 || checkpoint->number < found->from || checkpoint->number > found->until)
        return false;
    int64_t index = checkpoint->number - found->from;
    return index < verifier->hashes_max && memcmp(verifier->hashes[index], checkpoint->hash, AUDIT_HASH_SIZE) != 0;
}

static void compare(void *context, const struct audit_checkpoint *checkpoint)
{
    struct verifier *verifier = context;
    verifier->found.checkpoints++;
    if (!checkpoint->is_authentic)
        report(verifier, AUDIT_CHECKPOINT_FORGED, checkpoint->number, -1);
    else if (checkpoint->number < verifier->first_number && checkpoint->at_s > verifier->expiry_us / 1000000)
        report(verifier, AUDIT_TRUNCATED, checkpoint->number, -1);
    else if (is_rewritten(verifier, checkpoint))
        report(verifier, AUDIT_REWRITTEN, checkpoint->number, -1);
    if (checkpoint->is_authentic && checkpoint->number > verifier->newest_checkpoint)
        verifier->newest_checkpoint = checkpoint->number;
}

/* The end of the chain is asked for after the file was read: a seal is there before its checkpoint. */
static enum err_kind verify_checkpoints(struct verifier *verifier, int64_t from, struct err *reterr)
{
    const struct server *server = verifier->request->internal->server;
    if (server->audit_key == NULL)
        return ERR_NONE;
    enum err_kind kind = audit_checkpoint_read(server->settings->audit_checkpoint_file, server->audit_key, from,
                                               compare, verifier, reterr);
    struct audit_seal head = {0};
    bool has_head = false;
    if (kind == ERR_NONE)
        kind = audit_store_head(verifier->request->db, verifier->request->arena, &head, &has_head, reterr);
    if (kind == ERR_NONE && verifier->newest_checkpoint > head.number)
        report(verifier, AUDIT_TRUNCATED, verifier->newest_checkpoint, -1);
    return kind;
}

/* ---- The address ---- */

static enum err_kind begin(struct verifier *verifier, struct err *reterr)
{
    struct request *request = verifier->request;
    const PGresult *result = NULL;
    struct audit_seal *first = NULL;
    size_t count = 0;
    enum err_kind kind = request_run(request, &statement_expiry, DB_NO_PARAMS, &result, reterr);
    if (kind == ERR_NONE)
        kind = audit_store_seals(request->db, request->arena, 1, 1, &first, &count, reterr);
    if (kind != ERR_NONE)
        return kind;
    verifier->expiry_us = PQntuples(result) == 0 ? INT64_MIN : db_int(result, 0, 0, INT64_MIN);
    verifier->first_number = count == 0 ? 0 : first->number;
    return ERR_NONE;
}

static enum err_kind verify(struct request *request, struct response *response, struct err *reterr)
{
    const struct verify_query *query = request->query;
    struct verifier verifier = {
        .request = request,
        .found = {.is_whole = true, .from = FIELD_NULL, .until = FIELD_NULL, .next = FIELD_NULL},
        .hashes = arena_alloc(request->arena, (size_t)query->seals * AUDIT_HASH_SIZE),
        .hashes_max = query->seals,
    };
    json_out_init(&verifier.problems, request->arena);
    json_out_open(&verifier.problems, '[');
    enum err_kind kind = begin(&verifier, reterr);
    if (kind == ERR_NONE)
        kind = verify_range(&verifier, query->from, query->seals, reterr);
    if (kind == ERR_NONE)
        kind = verify_checkpoints(&verifier, query->from, reterr);
    if (kind != ERR_NONE)
        return kind;
    json_out_close(&verifier.problems, ']');
    verifier.found.problems = json_out_finish(&verifier.problems);
    response_struct(response, 200, verification_fields, &verifier.found);
    return ERR_NONE;
}

// clang-format off
#define ROLES_AUDIT (unsigned)(ROLE_AUDITOR | ROLE_SYSTEM_ADMIN)
static const struct route audit_chain_routes[] = {
    {GET, "/v1/system/audit/seals",  ROLES_AUDIT, RATE_REPORT, .answer = &seal_schema, .is_list = true, .run = list_seals, .summary = "The seals of the audit's hash chain, for the offline verifier"},
    {GET, "/v1/system/audit/verify", ROLES_AUDIT, RATE_REPORT, .query = &verify_query_schema, .answer = &verification_schema, .run = verify, .without_transaction = true, .summary = "Compute the audit's hash chain again, over a range of seals, and compare it with the checkpoints"},
    ROUTES_END,
};
// clang-format on

static const struct db_stmt *const audit_chain_statements[] = {&statement_list, &statement_expiry, NULL};

const struct resource audit_chain_resource = {"audit", audit_chain_routes, audit_chain_statements, NULL};
