/* A table of some thousand entries by the id of a token or session, two-way: a place is chosen by the id's random bits,
 * and a newcomer takes the older of two. A token that does not exist is remembered too, so that guessing costs the
 * database little. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/auth/token_cache.h"

#include "common/alloc.h"
#include "common/clock.h"
#include "common/hex.h"
#include "common/must.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define SLOTS      4096U /* a power of two */
#define WAYS       2U
#define LIFE_MS    1000
#define REFRESH_MS 500

struct entry {
    struct identity id;
    enum token_kind kind; /* as shown: whether it is one, the database says */
    int64_t loaded_at_ms; /* monotonic; 0: empty */
    bool is_refreshing;
    bool exists;
    bool is_revoked;
    bool is_disabled;      /* whose it is */
    int64_t expires_at_ms; /* real time; INT64_MAX: never */
    uint8_t secret_sha256[TOKEN_HASH_SIZE];
    int64_t previous_until_ms; /* real time; 0: there is no secret but the one */
    uint8_t previous_sha256[TOKEN_HASH_SIZE];
    struct workload workload; /* of kind TOKEN_WORKLOADS */
    struct caller caller;
};

struct token_cache {
    pthread_mutex_t lock;
    const struct resource *const *resources;
    uint64_t generation; /* raised by a flush: what was asked before it is not remembered */
    struct entry entries[SLOTS];
};

struct token_cache *token_cache_new(const struct resource *const *resources)
{
    struct token_cache *cache = alloc_zero(1, sizeof *cache);
    cache->resources = resources;
    must(pthread_mutex_init(&cache->lock, NULL) == 0);
    return cache;
}

void token_cache_free(struct token_cache *cache)
{
    if (cache == NULL)
        return;
    (void)pthread_mutex_destroy(&cache->lock);
    free(cache);
}

static bool is_of(const struct entry *entry, const struct token_proof *shown)
{
    return entry->kind == shown->kind && memcmp(entry->id.bytes, shown->id.bytes, sizeof shown->id.bytes) == 0;
}

/* Kinds do not meet: a session that nobody has, under a token's id, must not push the token out. */
static struct entry *entry_for(struct token_cache *cache, const struct token_proof *shown)
{
    uint64_t random = 0;
    memcpy(&random, shown->id.bytes + 8, sizeof random);
    struct entry *set = &cache->entries[(random & (SLOTS / WAYS - 1)) * WAYS];
    struct entry *oldest = &set[0];
    for (size_t i = 0; i < WAYS; i++) {
        if (is_of(&set[i], shown))
            return &set[i];
        if (set[i].loaded_at_ms < oldest->loaded_at_ms)
            oldest = &set[i];
    }
    return oldest;
}

/* Both are compared, whatever comes of the first. */
static bool has_secret(const struct entry *entry, const uint8_t hash[static TOKEN_HASH_SIZE])
{
    bool is_present = token_hash_equal(hash, entry->secret_sha256);
    bool is_previous = token_hash_equal(hash, entry->previous_sha256);
    return is_present || (is_previous && clock_real_ms() < entry->previous_until_ms);
}

static enum err_kind judge(const struct entry *entry, const struct token_proof *shown, struct err *reterr)
{
    const char *noun = shown->kind == TOKEN_SESSIONS ? "session" : "token";
    if (!entry->exists || !has_secret(entry, shown->sha256))
        return err_set(reterr, ERR_UNAUTHENTICATED, "this %s is not known", noun);
    if (entry->is_revoked)
        return err_set_code(reterr, ERR_UNAUTHENTICATED, "token_revoked", "this %s was revoked", noun);
    if (entry->expires_at_ms <= clock_real_ms())
        return err_set_code(reterr, ERR_UNAUTHENTICATED, "token_expired", "this %s has expired", noun);
    if (entry->is_disabled)
        return err_set_code(reterr, ERR_UNAUTHENTICATED, "principal_disabled", "the account of this %s is disabled",
                            noun);
    if (entry->caller.role == (enum role)0)
        return err_set(reterr, ERR_FORBIDDEN, "the account of this %s may not do any more what the %s was made for",
                       noun, noun);
    return ERR_NONE;
}

enum err_kind token_cache_find(struct token_cache *cache, const struct token_proof *shown, struct caller *ret,
                               enum token_known *ret_known, struct err *reterr)
{
    int64_t now_ms = clock_monotonic_ms();
    enum err_kind kind = ERR_NONE;
    *ret_known = TOKEN_UNKNOWN;
    (void)pthread_mutex_lock(&cache->lock);
    struct entry *entry = entry_for(cache, shown);
    bool is_known = entry->loaded_at_ms != 0 && now_ms - entry->loaded_at_ms < LIFE_MS && is_of(entry, shown);
    if (is_known) {
        kind = judge(entry, shown, reterr);
        *ret = entry->caller;
        bool is_stale = now_ms - entry->loaded_at_ms >= REFRESH_MS && !entry->is_refreshing;
        entry->is_refreshing = entry->is_refreshing || is_stale;
        *ret_known = is_stale ? TOKEN_STALE : TOKEN_FRESH;
    }
    (void)pthread_mutex_unlock(&cache->lock);
    return kind;
}

/* Of a principal p of the tenant w. Nobody acts for a tenant that was closed, whoever lets them in. */
#define MAY_NOT_ACT "p.disabled OR p.removed_at IS NOT NULL OR coalesce(w.status = 'closed', false)"

/* The three kinds of finding have the same columns. */
enum {
    FOUND_ROLE,
    FOUND_SECRET,
    FOUND_IS_REVOKED,
    FOUND_EXPIRES_AT,
    FOUND_TENANT_ID,
    FOUND_TENANT,
    FOUND_TENANT_IS_SUSPENDED,
    FOUND_PRINCIPAL_ID,
    FOUND_PRINCIPAL,
    FOUND_IS_USE_DUE,
    FOUND_PRINCIPAL_ROLE,
    FOUND_IS_SERVICE_ACCOUNT,
    FOUND_IS_DISABLED,
    FOUND_SCOPES,
    FOUND_PREVIOUS_SECRET,
    FOUND_PREVIOUS_UNTIL,
    FOUND_TOKEN_ID,
    FOUND_SESSION_ID,
};

static const struct db_stmt statement_find = {
    .name = "token_find",
    .sql = "SELECT t.role, encode(t.secret_sha256, 'hex'), t.revoked_at IS NOT NULL,"
           " (extract(epoch FROM t.expires_at) * 1000)::bigint, t.tenant_id, w.name, w.status = 'suspended',"
           " t.principal_id, p.name, coalesce(t.last_used_at < clock_timestamp() - interval '1 minute', true),"
           " coalesce(p.role, t.role), p.kind = 'service_account', " MAY_NOT_ACT ","
           " array_to_string(t.scopes, ' '), encode(t.previous_sha256, 'hex'),"
           " (extract(epoch FROM t.previous_until) * 1000)::bigint, t.id, NULL::uuid"
           " FROM token t JOIN principal p ON p.id = t.principal_id LEFT JOIN tenant w ON w.id = t.tenant_id"
           " WHERE t.id = $1::uuid",
    .params = 1,
};

static const struct db_stmt statement_used = {
    .name = "token_used",
    .sql = "UPDATE token SET last_used_at = date_trunc('minute', clock_timestamp()) WHERE id = $1::uuid",
    .params = 1,
};

/* A session may do what its token may, and ends with it. */
static const struct db_stmt statement_find_session = {
    .name = "token_find_session",
    .sql = "SELECT coalesce(k.role, p.role), encode(s.secret_sha256, 'hex'),"
           " s.revoked_at IS NOT NULL OR k.revoked_at IS NOT NULL,"
           " (extract(epoch FROM least(s.expires_at, k.expires_at, s.last_used_at + s.idle_s * interval '1 second')) * "
           "1000)::bigint,"
           " s.tenant_id, w.name, w.status = 'suspended', s.principal_id, p.name,"
           " s.last_used_at < clock_timestamp() - least(interval '1 minute', s.idle_s * interval '250 milliseconds'),"
           " p.role, p.kind = 'service_account', " MAY_NOT_ACT ", array_to_string(k.scopes, ' '),"
           " NULL::text, NULL::bigint, s.token_id, s.id"
           " FROM session s JOIN principal p ON p.id = s.principal_id LEFT JOIN token k ON k.id = s.token_id"
           " LEFT JOIN tenant w ON w.id = s.tenant_id WHERE s.id = $1::uuid",
    .params = 1,
};

/* One that has ended does not come to life again. */
static const struct db_stmt statement_used_session = {
    .name = "token_used_session",
    .sql = "UPDATE session SET last_used_at = clock_timestamp() WHERE id = $1::uuid"
           " AND last_used_at + idle_s * interval '1 second' > clock_timestamp()",
    .params = 1,
};

/* An issuer's token has no row: what it stands for has. */
static const struct db_stmt statement_find_account = {
    .name = "token_find_account",
    .sql = "SELECT p.role, NULL::text, false, NULL::bigint, p.tenant_id, w.name, w.status = 'suspended', p.id, p.name,"
           " false, p.role, true, " MAY_NOT_ACT ", NULL::text, NULL::text, NULL::bigint, NULL::uuid, NULL::uuid"
           " FROM principal p LEFT JOIN tenant w ON w.id = p.tenant_id"
           " WHERE p.name = $2 AND p.kind = 'service_account' AND p.removed_at IS NULL AND p.role IS NOT NULL"
           "   AND p.tenant_id IS NOT DISTINCT FROM (SELECT id FROM tenant WHERE name = $1)"
           "   AND ($1::text IS NULL OR p.tenant_id IS NOT NULL)",
    .params = 2,
};

const struct db_stmt *const token_cache_statements[] = {
    &statement_find, &statement_used, &statement_find_session, &statement_used_session, &statement_find_account, NULL};

static void copy(char *ret, size_t size, const char *text)
{
    int length = snprintf(ret, size, "%s", text == NULL ? "" : text);
    must(length >= 0 && (size_t)length < size + 512); /* names are bounded by the schema; a longer one is cut */
}

static void read_previous(const PGresult *result, struct entry *ret)
{
    const char *hash = db_text(result, 0, FOUND_PREVIOUS_SECRET);
    if (hash == NULL)
        return;
    must(hex_read(hash, ret->previous_sha256, TOKEN_HASH_SIZE)); /* as the statement writes it */
    ret->previous_until_ms = db_int(result, 0, FOUND_PREVIOUS_UNTIL, 0);
}

static void read_entry(const struct resource *const *resources, const PGresult *result, struct entry *ret)
{
    struct caller *caller = &ret->caller;
    caller->role = role_of_token(role_from_text(db_text(result, 0, FOUND_PRINCIPAL_ROLE)),
                                 role_from_text(db_text(result, 0, FOUND_ROLE)));
    const char *secret = db_text(result, 0, FOUND_SECRET);                         /* an issuer's token has none */
    must(secret == NULL || hex_read(secret, ret->secret_sha256, TOKEN_HASH_SIZE)); /* as the statement writes it */
    ret->is_revoked = db_bool(result, 0, FOUND_IS_REVOKED);
    ret->expires_at_ms = db_int(result, 0, FOUND_EXPIRES_AT, INT64_MAX);
    caller->is_tenant = db_text(result, 0, FOUND_TENANT_ID) != NULL;
    copy(caller->tenant_id, sizeof caller->tenant_id, db_text(result, 0, FOUND_TENANT_ID));
    copy(caller->tenant, sizeof caller->tenant, db_text(result, 0, FOUND_TENANT));
    caller->tenant_suspended = caller->is_tenant && db_bool(result, 0, FOUND_TENANT_IS_SUSPENDED);
    copy(caller->principal_id, sizeof caller->principal_id, db_text(result, 0, FOUND_PRINCIPAL_ID));
    copy(caller->principal, sizeof caller->principal, db_text(result, 0, FOUND_PRINCIPAL));
    caller->is_service_account = db_bool(result, 0, FOUND_IS_SERVICE_ACCOUNT);
    caller->token_expires_at = ret->expires_at_ms == INT64_MAX ? FIELD_NULL : ret->expires_at_ms / 1000;
    ret->is_disabled = db_bool(result, 0, FOUND_IS_DISABLED);
    scopes_read(&caller->scopes, resources, db_text(result, 0, FOUND_SCOPES));
    read_previous(result, ret);
    copy(caller->token_id, sizeof caller->token_id, db_text(result, 0, FOUND_TOKEN_ID));
    copy(caller->session_id, sizeof caller->session_id, db_text(result, 0, FOUND_SESSION_ID));
    ret->exists = true;
}

/* Its failure costs a date nobody waits for. */
static void note_use(struct db *db, const struct token_proof *shown, const char *id)
{
    const struct db_stmt *stmt = shown->kind == TOKEN_SESSIONS ? &statement_used_session : &statement_used;
    (void)(db_run(db, stmt, DB_PARAMS(id), NULL, NULL) == ERR_NONE);
}

/* Its issuer has said until when it is good, and the rules, as which role; the account may do less. */
static void read_workload(const struct token_proof *shown, struct entry *entry)
{
    struct caller *caller = &entry->caller;
    memcpy(entry->secret_sha256, shown->sha256, TOKEN_HASH_SIZE);
    entry->expires_at_ms = entry->workload.expires_at_ms;
    caller->token_expires_at = entry->expires_at_ms / 1000;
    caller->role = role_of_token(caller->role, entry->workload.role);
}

static enum err_kind ask(struct db *db, const struct token_proof *shown, const struct entry *entry, const char *id,
                         PGresult **ret, struct err *reterr)
{
    const struct workload *of = &entry->workload;
    switch (shown->kind) {
    case TOKEN_SESSIONS:
        return db_run(db, &statement_find_session, DB_PARAMS(id), ret, reterr);
    case TOKEN_WORKLOADS:
        return db_run(db, &statement_find_account, DB_PARAMS(of->tenant[0] == '\0' ? NULL : of->tenant, of->account),
                      ret, reterr);
    case TOKEN_NONE:
    case TOKEN_TENANTS:
    case TOKEN_PROVIDERS:
        break;
    }
    return db_run(db, &statement_find, DB_PARAMS(id), ret, reterr);
}

/* What was verified before is needed again; where it was pushed out meanwhile, *ret is as it was. */
static uint64_t recall(struct token_cache *cache, const struct token_proof *shown, struct workload *ret)
{
    (void)pthread_mutex_lock(&cache->lock);
    uint64_t generation = cache->generation;
    const struct entry *entry = entry_for(cache, shown);
    if (is_of(entry, shown))
        *ret = entry->workload;
    (void)pthread_mutex_unlock(&cache->lock);
    return generation;
}

enum err_kind token_cache_load(struct token_cache *cache, struct db *db, const struct token_proof *shown,
                               const struct workload *workload, struct token_finding *ret, struct err *reterr)
{
    struct entry entry = {.id = shown->id, .kind = shown->kind};
    char id[UUID_TEXT_SIZE];
    identity_to_uuid(shown->id, id);
    uint64_t generation = recall(cache, shown, &entry.workload);
    if (workload != NULL)
        entry.workload = *workload;
    if (shown->kind == TOKEN_WORKLOADS && entry.workload.account[0] == '\0') {
        must(ret == NULL); /* nobody waits: who does has verified */
        return ERR_NONE;   /* pushed out: the next request verifies again */
    }

    CLEANUP(db_result_clear) PGresult *result = NULL;
    entry.loaded_at_ms = clock_monotonic_ms();
    enum err_kind kind = ask(db, shown, &entry, id, &result, reterr);
    if (kind != ERR_NONE)
        return kind;
    if (PQntuples(result) > 0)
        read_entry(cache->resources, result, &entry);
    if (entry.exists && shown->kind == TOKEN_WORKLOADS)
        read_workload(shown, &entry);
    if (entry.exists && db_bool(result, 0, FOUND_IS_USE_DUE) && has_secret(&entry, shown->sha256))
        note_use(db, shown, id);
    if (ret != NULL) {
        ret->kind = judge(&entry, shown, &ret->err);
        ret->caller = entry.caller;
    }

    (void)pthread_mutex_lock(&cache->lock);
    if (generation == cache->generation)
        *entry_for(cache, shown) = entry;
    (void)pthread_mutex_unlock(&cache->lock);
    return ERR_NONE;
}

void token_cache_flush(struct token_cache *cache)
{
    (void)pthread_mutex_lock(&cache->lock);
    cache->generation++;
    for (size_t i = 0; i < SLOTS; i++)
        cache->entries[i].loaded_at_ms = 0;
    (void)pthread_mutex_unlock(&cache->lock);
}

void token_cache_forget(struct token_cache *cache, const struct token_proof *shown)
{
    (void)pthread_mutex_lock(&cache->lock);
    cache->generation++;
    struct entry *entry = entry_for(cache, shown);
    if (is_of(entry, shown))
        entry->loaded_at_ms = 0;
    (void)pthread_mutex_unlock(&cache->lock);
}
