/* A table of some thousand entries by token id, two-way: a place is chosen by the id's random bits, and a newcomer
 * takes the older of two. A token that does not exist is remembered too, so that guessing costs the database little. */
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
    int64_t loaded_at_ms; /* monotonic; 0: empty */
    bool is_refreshing;
    bool exists;
    bool is_revoked;
    bool is_disabled;      /* whose it is */
    int64_t expires_at_ms; /* real time; INT64_MAX: never */
    uint8_t secret_sha256[TOKEN_HASH_SIZE];
    int64_t previous_until_ms; /* real time; 0: there is no secret but the one */
    uint8_t previous_sha256[TOKEN_HASH_SIZE];
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

static struct entry *entry_for(struct token_cache *cache, struct identity id)
{
    uint64_t random = 0;
    memcpy(&random, id.bytes + 8, sizeof random);
    struct entry *set = &cache->entries[(random & (SLOTS / WAYS - 1)) * WAYS];
    struct entry *oldest = &set[0];
    for (size_t i = 0; i < WAYS; i++) {
        if (memcmp(set[i].id.bytes, id.bytes, sizeof id.bytes) == 0)
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

static enum err_kind judge(const struct entry *entry, const struct token *token, struct err *reterr)
{
    uint8_t hash[TOKEN_HASH_SIZE];
    token_hash(token, hash);
    if (!entry->exists || !has_secret(entry, hash))
        return err_set(reterr, ERR_UNAUTHENTICATED, "this token is not known");
    if (entry->is_revoked)
        return err_set_code(reterr, ERR_UNAUTHENTICATED, "token_revoked", "this token was revoked");
    if (entry->expires_at_ms <= clock_real_ms())
        return err_set_code(reterr, ERR_UNAUTHENTICATED, "token_expired", "this token has expired");
    if (entry->is_disabled)
        return err_set_code(reterr, ERR_UNAUTHENTICATED, "principal_disabled", "whose token this is is disabled");
    return ERR_NONE;
}

enum err_kind token_cache_find(struct token_cache *cache, const struct token *token, struct caller *ret,
                               enum token_known *ret_known, struct err *reterr)
{
    int64_t now_ms = clock_monotonic_ms();
    enum err_kind kind = ERR_NONE;
    *ret_known = TOKEN_UNKNOWN;
    (void)pthread_mutex_lock(&cache->lock);
    struct entry *entry = entry_for(cache, token->id);
    bool is_known = entry->loaded_at_ms != 0 && now_ms - entry->loaded_at_ms < LIFE_MS &&
                    memcmp(entry->id.bytes, token->id.bytes, sizeof token->id.bytes) == 0;
    if (is_known) {
        kind = judge(entry, token, reterr);
        *ret = entry->caller;
        bool is_stale = now_ms - entry->loaded_at_ms >= REFRESH_MS && !entry->is_refreshing;
        entry->is_refreshing = entry->is_refreshing || is_stale;
        *ret_known = is_stale ? TOKEN_STALE : TOKEN_FRESH;
    }
    (void)pthread_mutex_unlock(&cache->lock);
    return kind;
}

static const struct db_stmt statement_find = {
    .name = "token_find",
    .sql = "SELECT t.role, encode(t.secret_sha256, 'hex'), t.revoked_at IS NOT NULL,"
           " (extract(epoch FROM t.expires_at) * 1000)::bigint, t.tenant_id, w.name, w.status = 'suspended',"
           " t.principal_id, p.name, coalesce(t.last_used_at < clock_timestamp() - interval '1 minute', true),"
           " coalesce(p.role, t.role), p.kind = 'service_account', p.disabled OR p.removed_at IS NOT NULL,"
           " array_to_string(t.scopes, ' '), encode(t.previous_sha256, 'hex'),"
           " (extract(epoch FROM t.previous_until) * 1000)::bigint"
           " FROM token t JOIN principal p ON p.id = t.principal_id LEFT JOIN tenant w ON w.id = t.tenant_id"
           " WHERE t.id = $1::uuid",
    .params = 1,
};

static const struct db_stmt statement_used = {
    .name = "token_used",
    .sql = "UPDATE token SET last_used_at = date_trunc('minute', clock_timestamp()) WHERE id = $1::uuid",
    .params = 1,
};

const struct db_stmt *const token_cache_statements[] = {&statement_find, &statement_used, NULL};

static void copy(char *ret, size_t size, const char *text)
{
    int length = snprintf(ret, size, "%s", text == NULL ? "" : text);
    must(length >= 0 && (size_t)length < size + 512); /* names are bounded by the schema; a longer one is cut */
}

static void read_previous(const PGresult *result, struct entry *ret)
{
    const char *hash = db_text(result, 0, 14);
    if (hash == NULL)
        return;
    must(hex_read(hash, ret->previous_sha256, TOKEN_HASH_SIZE)); /* as the statement writes it */
    ret->previous_until_ms = db_int(result, 0, 15, 0);
}

static void read_entry(const struct resource *const *resources, const PGresult *result, struct entry *ret)
{
    struct caller *caller = &ret->caller;
    caller->role = role_of_token(role_from_text(db_text(result, 0, 10)), role_from_text(db_text(result, 0, 0)));
    must(hex_read(db_text(result, 0, 1), ret->secret_sha256, TOKEN_HASH_SIZE)); /* as the statement writes it */
    ret->is_revoked = db_bool(result, 0, 2);
    ret->expires_at_ms = db_int(result, 0, 3, INT64_MAX);
    caller->is_tenant = db_text(result, 0, 4) != NULL;
    copy(caller->tenant_id, sizeof caller->tenant_id, db_text(result, 0, 4));
    copy(caller->tenant, sizeof caller->tenant, db_text(result, 0, 5));
    caller->tenant_suspended = caller->is_tenant && db_bool(result, 0, 6);
    copy(caller->principal_id, sizeof caller->principal_id, db_text(result, 0, 7));
    copy(caller->principal, sizeof caller->principal, db_text(result, 0, 8));
    caller->is_service_account = db_bool(result, 0, 11);
    caller->token_expires_at = ret->expires_at_ms == INT64_MAX ? FIELD_NULL : ret->expires_at_ms / 1000;
    ret->is_disabled = db_bool(result, 0, 12);
    scopes_read(&caller->scopes, resources, db_text(result, 0, 13));
    read_previous(result, ret);
    ret->exists = true;
}

enum err_kind token_cache_load(struct token_cache *cache, struct db *db, struct identity token_id, struct err *reterr)
{
    struct entry entry = {.id = token_id};
    identity_to_uuid(token_id, entry.caller.token_id);
    (void)pthread_mutex_lock(&cache->lock);
    uint64_t generation = cache->generation;
    (void)pthread_mutex_unlock(&cache->lock);

    CLEANUP(db_result_clear) PGresult *result = NULL;
    entry.loaded_at_ms = clock_monotonic_ms();
    enum err_kind kind = db_run(db, &statement_find, DB_PARAMS(entry.caller.token_id), &result, reterr);
    if (kind != ERR_NONE)
        return kind;
    if (PQntuples(result) > 0)
        read_entry(cache->resources, result, &entry);
    if (entry.exists && db_bool(result, 0, 9)) /* its failure costs a date nobody waits for */
        (void)(db_run(db, &statement_used, DB_PARAMS(entry.caller.token_id), NULL, NULL) == ERR_NONE);

    (void)pthread_mutex_lock(&cache->lock);
    if (generation == cache->generation)
        *entry_for(cache, token_id) = entry;
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
