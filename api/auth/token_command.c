/* Makes principal and token in one transaction, as the role sluice_api_system. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/auth/token_command.h"

#include "api/auth/role.h"
#include "api/auth/token.h"
#include "common/alloc.h"
#include "common/config.h"
#include "common/db.h"
#include "common/hex.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

#define EXIT_USAGE 2

struct wish {
    const char *role, *tenant, *name;
    struct token token;
};

static const struct db_stmt statement_create = {
    .name = "token_command_create",
    .sql =
        "WITH w AS (SELECT id FROM tenant WHERE name = $2::text),"
        " made AS (INSERT INTO principal (id, tenant_id, kind, name, role)"
        "   SELECT $4::uuid, (SELECT id FROM w), 'user', $3, $1 WHERE $2::text IS NULL OR EXISTS (SELECT FROM w)"
        "   ON CONFLICT (tenant_id, name) WHERE removed_at IS NULL DO UPDATE SET role = excluded.role, disabled = false"
        "   RETURNING id, tenant_id),"
        " new AS (INSERT INTO token (id, principal_id, tenant_id, role, secret_sha256, name)"
        "   SELECT $5::uuid, made.id, made.tenant_id, $1, decode($6, 'hex'), $3 FROM made"
        "   RETURNING id, principal_id, tenant_id)"
        " SELECT audit_append($7::uuid, tenant_id, principal_id, 'none', 'command line', 'token create', id, 'ok')"
        " FROM new",
    .params = 7,
};

const struct db_stmt *const token_command_statements[] = {&statement_create, NULL};

static enum err_kind store(const char *database_url, const struct wish *wish, struct err *reterr)
{
    CLEANUP(db_freep)
    struct db *db = db_new(&(struct db_options){.url = database_url,
                                                .role = "sluice_api_system",
                                                .application_name = "sluice-api token",
                                                .statement_timeout_ms = 10000});
    uint8_t hash[TOKEN_HASH_SIZE];
    char hash_text[HEX_TEXT_SIZE(TOKEN_HASH_SIZE)];
    token_hash(&wish->token, hash);
    hex_print(hash, sizeof hash, hash_text);
    char principal[UUID_TEXT_SIZE], id[UUID_TEXT_SIZE], audit_id[UUID_TEXT_SIZE];
    identity_to_uuid(identity_new(), principal);
    identity_to_uuid(identity_new(), audit_id);
    identity_to_uuid(wish->token.id, id);
    CLEANUP(db_result_clear) PGresult *result = NULL;
    enum err_kind kind =
        db_run(db, &statement_create,
               DB_PARAMS(wish->role, wish->tenant, wish->name, principal, id, hash_text, audit_id), &result, reterr);
    if (kind == ERR_NONE && PQntuples(result) == 0)
        return err_set(reterr, ERR_NOT_FOUND, "there is no tenant '%s'", wish->tenant);
    return kind;
}

static int usage(const char *why)
{
    fprintf(stderr, "sluice-api: %s\nusage: sluice-api token create --role ROLE [--tenant NAME] --name NAME\n", why);
    return EXIT_USAGE;
}

/* Takes --role, --tenant and --name out; the rest are settings. */
static bool take_flags(int argc, char **argv, struct wish *wish, int *ret_argc)
{
    int kept = 0;
    for (int i = 0; i < argc; i++) {
        const char **target = strcmp(argv[i], "--role") == 0     ? &wish->role
                              : strcmp(argv[i], "--tenant") == 0 ? &wish->tenant
                              : strcmp(argv[i], "--name") == 0   ? &wish->name
                                                                 : NULL;
        if (target == NULL)
            argv[kept++] = argv[i];
        else if (i + 1 < argc)
            *target = argv[++i];
        else
            return false;
    }
    *ret_argc = kept;
    return true;
}

int token_command(int argc, char **argv)
{
    struct wish wish = {0};
    if (!take_flags(argc, argv, &wish, &argc))
        return usage("a flag lacks its value");
    struct config_common common = {0};
    const struct config_part parts[] = {{config_common_settings, &common}, {0}};
    bool done = false;
    int status = EXIT_SUCCESS;
    struct err err = {0};
    if (config_load("sluice-api token create", "Make a token", parts, argc, argv, &done, &status, &err) != ERR_NONE)
        return usage(err.text);
    if (done)
        return status;
    if (wish.role == NULL || wish.name == NULL || role_from_text(wish.role) == 0)
        return usage("--role (one of the API's) and --name are needed");
    bool is_tenants = role_is_tenants(role_from_text(wish.role));
    if (is_tenants != (wish.tenant != NULL))
        return usage(is_tenants ? "this role needs --tenant" : "this role has no tenant");
    token_make(is_tenants ? TOKEN_TENANTS : TOKEN_PROVIDERS, &wish.token);
    char text[TOKEN_TEXT_SIZE];
    token_print(&wish.token, text);
    if (store(common.database_url, &wish, &err) != ERR_NONE) {
        fprintf(stderr, "sluice-api: %s\n", err.text);
        status = EXIT_FAILURE;
    } else {
        printf("%s\n", text);
    }
    OPENSSL_cleanse(text, sizeof text);
    token_forget(&wish.token);
    config_release(parts);
    return status;
}
