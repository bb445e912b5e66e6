/* sluice-api: the REST server. Reads its settings, checks the schema, starts its parts, and stops them in order. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/audit/checkpoint.h"
#include "api/audit/refusals.h"
#include "api/audit/sealer.h"
#include "api/auth/signin_throttle.h"
#include "api/auth/token_command.h"
#include "api/resources/event.h"
#include "api/resources/registry.h"
#include "api/resources/reservation.h"
#include "api/server/background.h"
#include "api/server/collect.h"
#include "api/server/contract.h"
#include "api/server/follower.h"
#include "api/server/problem_page.h"
#include "api/server/readiness.h"
#include "api/server/server.h"
#include "api/server/settings_check.h"
#include "api/server/waiting.h"
#include "api/statements.h"
#include "api/webhook/secret.h"
#include "api/webhook/worker.h"
#include "common/admin.h"
#include "common/db.h"
#include "common/log.h"
#include "common/must.h"
#include "common/shutdown.h"

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

static void make_cursor_key(const char *secret, uint8_t ret[static CURSOR_KEY_SIZE])
{
    if (secret[0] == '\0')
        must(RAND_bytes(ret, CURSOR_KEY_SIZE) == 1);
    else
        must(EVP_Digest(secret, strlen(secret), ret, NULL, EVP_sha256(), NULL) == 1);
}

static struct rate_limits *new_rates(const struct api_settings *settings)
{
    const int64_t per_s[RATE_CLASS_COUNT] = {
        [RATE_READ] = settings->rate_read_per_s,
        [RATE_WRITE] = settings->rate_write_per_s,
        [RATE_REPORT] = settings->rate_report_per_s,
        [RATE_STRANGER] = settings->rate_unauthenticated_per_s,
    };
    return rate_limits_new(per_s, settings->rate_burst_s);
}

static enum err_kind load_audit_key(const struct api_settings *settings, struct audit_key **ret, struct err *reterr)
{
    bool has_key = settings->audit_key_file[0] != '\0', has_file = settings->audit_checkpoint_file[0] != '\0';
    if (has_key != has_file)
        return err_set(reterr, ERR_INVALID,
                       "audit_key_file and audit_checkpoint_file go together: one of them is empty");
    return has_key ? audit_key_load(settings->audit_key_file, ret, reterr) : ERR_NONE;
}

static enum err_kind load_keys(const struct api_settings *settings, struct audit_key **ret_audit,
                               struct secret_keys **ret_webhook, struct err *reterr)
{
    enum err_kind kind = load_audit_key(settings, ret_audit, reterr);
    if (kind != ERR_NONE || settings->webhook_key_file[0] == '\0')
        return kind;
    return secret_keys_load(settings->webhook_key_file, ret_webhook, reterr);
}

static struct audit_sealer *start_sealer(const char *url, const struct api_settings *settings,
                                         const struct audit_key *key)
{
    return audit_sealer_start(
        &(struct audit_sealer_options){.database_url = url,
                                       .key = key,
                                       .checkpoint_file = settings->audit_checkpoint_file,
                                       .checkpoint_period_ms = settings->audit_checkpoint_s * 1000});
}

/* Without a key file there are no webhooks, and nothing to bring. */
static struct webhook_worker *start_webhooks(const char *url, const struct server *server)
{
    const struct api_settings *settings = server->settings;
    if (server->webhook_keys == NULL)
        return NULL;
    return webhook_worker_start(&(struct webhook_worker_options){.database_url = url,
                                                                 .keys = server->webhook_keys,
                                                                 .rules = server->webhook_rules,
                                                                 .timeout_ms = settings->webhook_timeout_ms,
                                                                 .attempts_max = settings->webhook_attempts_max,
                                                                 .retry_base_ms = settings->webhook_retry_ms,
                                                                 .disable_after_s = settings->webhook_disable_after_s,
                                                                 .show = event_show});
}

static void stop(struct server *server, struct background *background)
{
    listener_stop(server->listener);
    trust_stop(&server->people);
    trust_stop(&server->workloads);
    workers_stop(server->workers);
    batcher_free(server->batcher);
    follower_stop(server->follower);
    audit_refusals_stop(server->refusals);
    background_stop(background);
    suspensions_stop(server->suspensions);
    router_free(server->router);
    contract_free(server->contract);
    token_cache_free(server->tokens);
    rate_limits_free(server->rates);
    signin_throttle_free(server->signins);
}

static enum err_kind serve(const struct config_common *common, const struct api_settings *settings, struct err *reterr)
{
    struct server server = {.common = common, .settings = settings, .resources = registry};
    make_cursor_key(settings->cursor_secret, server.cursor_key);
    CLEANUP(audit_key_freep) struct audit_key *audit_key = NULL;
    CLEANUP(secret_keys_freep) struct secret_keys *webhook_keys = NULL;
    enum err_kind kind = load_keys(settings, &audit_key, &webhook_keys, reterr);
    if (kind != ERR_NONE)
        return kind;
    server.audit_key = audit_key;
    server.webhook_keys = webhook_keys;
    server.webhook_rules = (struct target_rules){settings->webhook_allow_http, settings->webhook_allow_private};
    int timeout_ms = (int)settings->statement_timeout_ms;
    const char *url = common->database_url;
    server.contract = contract_new(registry);
    server.router = router_new(registry);
    server.tokens = token_cache_new(registry);
    server.rates = new_rates(settings);
    server.signins = signin_throttle_new();
    server.suspensions = suspensions_start();
    server.workers = workers_start(url, (int)settings->workers, settings->jobs_max, timeout_ms);
    kind = trust_start(settings, server.tokens, &server.people, &server.workloads, reterr);
    server.follower = follower_start(url, settings->streams_max, settings->streams_per_tenant_max);
    questions_register();
    waiting_register();
    collect_register();
    server.batcher = batcher_start(&reservation_batch, url, settings->batch_max, settings->batch_queue_max, timeout_ms);
    server.refusals = audit_refusals_start(url);
    struct background *background = background_start(url, server.tokens);
    struct audit_sealer *sealer = start_sealer(url, settings, audit_key);
    struct webhook_worker *webhooks = start_webhooks(url, &server);
    struct readiness *readiness = readiness_start(url);
    struct admin *admin = NULL;
    if (kind == ERR_NONE && common->admin_listen[0] != '\0')
        kind = admin_start(common->admin_listen, readiness_write, readiness, &admin, reterr);
    if (kind == ERR_NONE)
        kind = listener_start(&server, reterr);
    if (kind == ERR_NONE) {
        log_event(LOG_LEVEL_INFO, "serving", LOG_TEXT("listen", settings->listen));
        struct pollfd request = {.fd = shutdown_fd(), .events = POLLIN};
        while (!shutdown_requested())
            (void)poll(&request, 1, -1);
        log_event(LOG_LEVEL_INFO, "stopping", LOG_INT("suspended", suspensions_count(server.suspensions)));
    } else {
        shutdown_request();
        batcher_stop(server.batcher);
    }
    stop(&server, background);
    webhook_worker_stop(webhooks);
    audit_sealer_stop(sealer);
    admin_stop(admin);
    readiness_stop(readiness);
    return kind;
}

static enum err_kind check_schema(const char *url, struct err *reterr)
{
    CLEANUP(db_freep)
    struct db *db = db_new(&(struct db_options){
        .url = url, .role = "sluice_api_system", .application_name = "sluice-api check", .statement_timeout_ms = 5000});
    enum err_kind kind = db_check_schema(db, reterr);
    return kind == ERR_PRECONDITION ? kind : ERR_NONE; /* a database that is away comes back */
}

int main(int argc, char **argv)
{
    if (argc >= 3 && strcmp(argv[1], "token") == 0 && strcmp(argv[2], "create") == 0) {
        argv[2] = argv[0];
        return token_command(argc - 2, argv + 2);
    }
    bool prints_31 = argc == 2 && strcmp(argv[1], "--print-openapi") == 0;
    bool prints_30 = argc == 2 && strcmp(argv[1], "--print-openapi-3.0") == 0;
    if (prints_31 || prints_30) {
        CLEANUP(text_freep) char *document = openapi_write(registry, prints_30);
        (void)puts(document);
        return EXIT_SUCCESS;
    }
    if (argc == 2 && strcmp(argv[1], "--print-errors") == 0) {
        CLEANUP(arena_freep) struct arena *arena = arena_new();
        struct json_out page;
        json_out_init(&page, arena);
        problem_page_markdown(&page);
        (void)fputs(json_out_finish(&page), stdout);
        return EXIT_SUCCESS;
    }
    struct config_common common = {0};
    struct api_settings settings = {0};
    const struct config_part parts[] = {{config_common_settings, &common}, {api_settings_table, &settings}, {0}};
    bool done = false;
    int status = EXIT_SUCCESS;
    struct err err = {0};
    const struct config_check *const checks[] = {config_common_checks, api_settings_checks};
    enum err_kind kind = config_load_checked("sluice-api", "Serves the REST API and the console", parts, checks, argc,
                                             argv, &done, &status, &err);
    if (kind != ERR_NONE) {
        fprintf(stderr, "sluice-api: %s\n", err.text);
        return 2;
    }
    if (done) {
        config_release(parts);
        return status;
    }
    shutdown_install();
    log_start("sluice-api", log_level_from_text(common.log_level));
    if (common.check_statements) {
        status = statements_check(common.database_url);
        config_release(parts);
        return status;
    }
    kind = check_schema(common.database_url, &err);
    if (kind == ERR_NONE)
        kind = serve(&common, &settings, &err);
    if (kind != ERR_NONE)
        log_error("start_failed", &err);
    config_release(parts);
    return kind == ERR_NONE ? EXIT_SUCCESS : EXIT_FAILURE;
}
