/* Find, else link, else make; then see to the role. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/person.h"

#include "api/jwt/claims.h"
#include "api/server/server.h"
#include "common/hex.h"
#include "common/must.h"

#include <openssl/evp.h>
#include <string.h>

#define SUBJECT_BYTES_MAX 255 /* OpenID Connect Core 1.0, 2 */
#define EMAIL_MAX         254
#define NAME_BYTES_MAX    96 /* bytes, of 128 characters: what tells two of a name apart is put behind */
#define HASH_DIGITS       8

/* Whom we look for, by what is known outside. */
struct person {
    const char *tenant_id; /* NULL: the provider's */
    const char *role;
    const char *subject; /* "<issuer>|<subject>" */
    const char *email;   /* verified; NULL: none */
    const char *name;
    const char *hash; /* of the subject, for telling names apart */
};

static const struct db_stmt statement_tenant = {
    .name = "person_tenant",
    .sql = "SELECT id FROM tenant WHERE name = $1 AND closed_at IS NULL",
    .params = 1,
};

static const struct db_stmt statement_find = {
    .name = "person_find",
    .sql = "SELECT p.id, p.disabled FROM principal p"
           " WHERE p.tenant_id IS NOT DISTINCT FROM $1::uuid AND p.removed_at IS NULL AND p.kind = 'user'"
           "   AND (p.external_subject = $2 OR (p.external_subject IS NULL AND lower(p.email) = lower($3)))"
           " ORDER BY p.external_subject NULLS LAST LIMIT 1 FOR UPDATE",
    .params = 3,
};

/* No row: a name or an address is another's. */
static const struct db_stmt statement_make = {
    .name = "person_make",
    .sql = "INSERT INTO principal (id, tenant_id, kind, name, email, role, external_subject)"
           " VALUES ($1::uuid, $2::uuid, 'user', $3, $4, $5, $6) ON CONFLICT DO NOTHING RETURNING id, false",
    .params = 6,
};

/* No row: it is so already. */
static const struct db_stmt statement_change = {
    .name = "person_change",
    .sql = "UPDATE principal SET role = $2, external_subject = $3, revision = revision + 1 WHERE id = $1::uuid"
           " AND (role IS DISTINCT FROM $2 OR external_subject IS DISTINCT FROM $3) RETURNING revision",
    .params = 3,
};

const struct db_stmt *const person_statements[] = {&statement_tenant, &statement_find, &statement_make,
                                                   &statement_change, NULL};

/* ---- What the token says ---- */

static const char *hash_of(struct request *request, const char *text)
{
    uint8_t digest[SHA256_SIZE];
    must(EVP_Digest(text, strlen(text), digest, NULL, EVP_sha256(), NULL) == 1);
    char *digits = arena_alloc(request->arena, HEX_TEXT_SIZE(HASH_DIGITS / 2));
    hex_print(digest, HASH_DIGITS / 2, digits);
    return digits;
}

static const char *name_of(struct request *request, const json_t *claims, const char *hash)
{
    static const char *const names[] = {"preferred_username", "email", "name", "sub"};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        const char *text = claims_text(claims, names[i], NAME_BYTES_MAX);
        if (text != NULL)
            return text;
    }
    return arena_format(request->arena, "person-%s", hash);
}

static enum err_kind read_person(struct request *request, const char *issuer, const json_t *claims,
                                 const struct rule *rule, struct person *ret, struct err *reterr)
{
    const char *subject = claims_text(claims, "sub", SUBJECT_BYTES_MAX);
    if (subject == NULL || strlen(issuer) + 1 + strlen(subject) > 512)
        return err_set_code(reterr, ERR_UNAUTHENTICATED, "sign_in_failed",
                            "the identity provider does not say who this is");
    bool is_verified = json_is_true(json_object_get(claims, "email_verified"));
    const char *email = claims_text(claims, "email", EMAIL_MAX);
    ret->subject = arena_format(request->arena, "%s|%s", issuer, subject);
    ret->hash = hash_of(request, ret->subject);
    ret->role = role_text(rule->role);
    ret->email = is_verified && email != NULL && strlen(email) >= 3 ? email : NULL;
    ret->name = name_of(request, claims, ret->hash);
    return ERR_NONE;
}

static enum err_kind find_tenant(struct request *request, const struct rule *rule, struct person *ret,
                                 struct err *reterr)
{
    if (rule->tenant[0] == '\0')
        return ERR_NONE;
    const PGresult *row = NULL;
    enum err_kind kind = request_run(request, &statement_tenant, DB_PARAMS(rule->tenant), &row, reterr);
    if (kind != ERR_NONE)
        return kind;
    if (PQntuples(row) == 0)
        return err_set_code(reterr, ERR_FORBIDDEN, "sign_in_no_role",
                            "the tenant that you belong to is not known here");
    ret->tenant_id = db_text(row, 0, 0);
    return ERR_NONE;
}

/* ---- Who it is here ---- */

static enum err_kind make(struct request *request, const struct person *person, const PGresult **ret,
                          struct err *reterr)
{
    char id[UUID_TEXT_SIZE];
    identity_to_uuid(identity_new(), id);
    const char *other = arena_format(request->arena, "%s (%s)", person->name, person->hash);
    enum err_kind kind = request_run(
        request, &statement_make,
        DB_PARAMS(id, person->tenant_id, person->name, person->email, person->role, person->subject), ret, reterr);
    if (kind == ERR_NONE && PQntuples(*ret) == 0)
        kind = request_run(request, &statement_make,
                           DB_PARAMS(id, person->tenant_id, other, NULL, person->role, person->subject), ret, reterr);
    if (kind == ERR_NONE && PQntuples(*ret) == 0) /* whoever made it beside us is found the next time */
        return err_set(reterr, ERR_RETRY, "the same person signs in elsewhere");
    if (kind != ERR_NONE)
        return kind;
    return request_event(request, person->tenant_id, NULL, "principal", id, 1, "principal.created", reterr);
}

static enum err_kind see_to_role(struct request *request, const struct person *person, const char *id,
                                 struct err *reterr)
{
    const PGresult *changed = NULL;
    enum err_kind kind =
        request_run(request, &statement_change, DB_PARAMS(id, person->role, person->subject), &changed, reterr);
    if (kind != ERR_NONE || PQntuples(changed) == 0)
        return kind;
    request->revokes_token = true; /* what its tokens may is remembered no longer */
    return request_event(request, person->tenant_id, NULL, "principal", id, db_int(changed, 0, 0, 0),
                         "principal.changed", reterr);
}

static void tell_audit(struct request *request, const char *id, const char *tenant_id)
{
    struct caller *caller = &request->caller;
    memcpy(caller->principal_id, id, UUID_TEXT_SIZE);
    if (tenant_id != NULL)
        memcpy(caller->tenant_id, tenant_id, UUID_TEXT_SIZE);
}

enum err_kind person_of(struct request *request, const char *issuer, const json_t *claims, const struct rule *rule,
                        struct session_of *ret, struct err *reterr)
{
    struct person person = {0};
    enum err_kind kind = read_person(request, issuer, claims, rule, &person, reterr);
    if (kind == ERR_NONE)
        kind = find_tenant(request, rule, &person, reterr);
    const PGresult *row = NULL;
    if (kind == ERR_NONE)
        kind = request_run(request, &statement_find, DB_PARAMS(person.tenant_id, person.subject, person.email), &row,
                           reterr);
    if (kind == ERR_NONE && PQntuples(row) == 0)
        kind = make(request, &person, &row, reterr);
    if (kind != ERR_NONE)
        return kind;
    const char *id = db_text(row, 0, 0);
    tell_audit(request, id, person.tenant_id);
    if (db_bool(row, 0, 1))
        return err_set_code(reterr, ERR_UNAUTHENTICATED, "principal_disabled", "your account is disabled");
    *ret = (struct session_of){.principal_id = id, .tenant_id = person.tenant_id};
    return see_to_role(request, &person, id, reterr);
}
