/* One loop: ask for what is due, bring what is queued, wait for the network. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/issuer/issuer.h"

#include "api/outgoing/sender.h"
#include "common/alloc.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/metrics.h"
#include "common/must.h"

#include <openssl/crypto.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define WELL_KNOWN    "/.well-known/openid-configuration"
#define BODY_MAX      (256U * 1024U)
#define ASK_LEAST_MS  2000
#define RETRY_MOST_MS 60000
#define KEYS_LIFE_MS  INT64_C(86400000)
#define WAITERS_MAX   1024
#define EXCHANGES_MAX 256
#define POLL_MS       500

static struct metric fetched = {
    .name = "sluice_issuer_keys_fetched_total", .type = METRIC_COUNTER, .help = "Times that an issuer told its keys"};
static struct metric failed = {.name = "sluice_issuer_failures_total",
                               .type = METRIC_COUNTER,
                               .help = "Requests to an issuer that had no good answer"};
static struct metric *const metrics[] = {&fetched, &failed};

/* A request to the issuer, from when it is wished until it has ended. */
struct errand {
    struct errand *previous, *next;
    struct issuer *issuer;
    char *form, *authorization; /* of an exchange */
    issuer_answered *answered;
    void *context;
};

struct issuer {
    struct issuer_options options;
    struct sender *sender;
    pthread_t thread;
    int wake_fd;
    atomic_bool stopping;

    pthread_rwlock_t keys_lock;
    struct jwks *keys;
    int64_t keys_at_ms; /* when they came */

    pthread_mutex_t lock;
    struct discovery discovery;
    bool is_discovered;
    bool is_asking, is_wanted;
    int64_t asked_at_ms; /* monotonic; INT64_MIN / 2: never */
    struct issuer_waiter *waiters;
    int waiter_count;
    struct errand *queued; /* exchanges that the thread has not begun */
    int exchange_count;

    /* The thread's own. */
    struct errand *under_way;
    int64_t ask_at_ms;
    int failures; /* in a row */
};

static void wake(struct issuer *issuer)
{
    uint64_t one = 1;
    must(write(issuer->wake_fd, &one, sizeof one) == (ssize_t)sizeof one);
}

/* ---- Keys ---- */

enum issuer_verdict issuer_verify(struct issuer *issuer, const struct jwt *jwt)
{
    static const enum issuer_verdict verdicts[] = {
        [JWKS_SIGNED] = ISSUER_SIGNED, [JWKS_UNKNOWN_KEY] = ISSUER_UNKNOWN_KEY, [JWKS_FORGED] = ISSUER_FORGED};
    (void)pthread_rwlock_rdlock(&issuer->keys_lock);
    bool has_keys = issuer->keys != NULL && clock_monotonic_ms() - issuer->keys_at_ms < KEYS_LIFE_MS;
    enum issuer_verdict verdict = has_keys ? verdicts[jwks_verify(issuer->keys, jwt)] : ISSUER_HAS_NO_KEYS;
    (void)pthread_rwlock_unlock(&issuer->keys_lock);
    return verdict;
}

static void install(struct issuer *issuer, struct jwks *keys)
{
    (void)pthread_rwlock_wrlock(&issuer->keys_lock);
    struct jwks *before = issuer->keys;
    issuer->keys = keys;
    issuer->keys_at_ms = clock_monotonic_ms();
    (void)pthread_rwlock_unlock(&issuer->keys_lock);
    jwks_free(before);
}

bool issuer_want_keys(struct issuer *issuer, struct issuer_waiter *waiter)
{
    (void)pthread_mutex_lock(&issuer->lock);
    bool may = issuer->waiter_count < WAITERS_MAX && !atomic_load(&issuer->stopping);
    if (may) {
        waiter->next = issuer->waiters;
        issuer->waiters = waiter;
        issuer->waiter_count++;
        issuer->is_wanted = true;
    }
    (void)pthread_mutex_unlock(&issuer->lock);
    if (may)
        wake(issuer);
    return may;
}

/* There are keys, or there are none: either way nobody waits any longer. */
static void tell_waiters(struct issuer *issuer)
{
    (void)pthread_mutex_lock(&issuer->lock);
    struct issuer_waiter *waiter = issuer->waiters;
    issuer->waiters = NULL;
    issuer->waiter_count = 0;
    issuer->is_asking = issuer->is_wanted = false;
    (void)pthread_mutex_unlock(&issuer->lock);
    while (waiter != NULL) {
        struct issuer_waiter *next = waiter->next;
        waiter->ready(waiter); /* it may be gone now */
        waiter = next;
    }
}

static void end_asking(struct issuer *issuer, const struct err *err)
{
    int64_t pause_ms = issuer->options.refresh_s * 1000;
    if (err == NULL) {
        issuer->failures = 0;
        metric_add(&fetched, 1);
    } else {
        int64_t retry_ms = INT64_C(1000) << (issuer->failures < 6 ? issuer->failures : 6);
        pause_ms = retry_ms < RETRY_MOST_MS ? retry_ms : RETRY_MOST_MS;
        issuer->failures++;
        metric_add(&failed, 1);
        log_event(LOG_LEVEL_ERROR, "issuer_failed", LOG_TEXT("issuer", issuer->options.url),
                  LOG_TEXT("text", err->text));
    }
    issuer->ask_at_ms = clock_monotonic_ms() + pause_ms;
    tell_waiters(issuer);
}

static enum err_kind check_answer(const char *what, int status, const char *error, struct err *reterr)
{
    if (error != NULL)
        return err_set(reterr, ERR_UNAVAILABLE, "%s: %.300s", what, error);
    return status == 200 ? ERR_NONE : err_set(reterr, ERR_UNAVAILABLE, "%s: status %d", what, status);
}

static void begin(struct errand *errand, const struct sender_request *request)
{
    struct issuer *issuer = errand->issuer;
    errand->previous = NULL;
    errand->next = issuer->under_way;
    if (issuer->under_way != NULL)
        issuer->under_way->previous = errand;
    issuer->under_way = errand;
    sender_start(issuer->sender, request, errand);
}

static void get(struct issuer *issuer, const char *url, issuer_answered *answered)
{
    struct errand *errand = alloc_zero(1, sizeof *errand);
    *errand = (struct errand){.issuer = issuer, .answered = answered, .context = issuer};
    const char *const headers[] = {"Accept: application/json", NULL};
    begin(errand, &(struct sender_request){.url = url, .headers = headers});
}

static void take_keys(void *context, int status, const char *error, const char *body)
{
    struct issuer *issuer = context;
    struct err err = {0};
    struct jwks *keys = NULL;
    enum err_kind kind = check_answer("its keys", status, error, &err);
    if (kind == ERR_NONE)
        kind = jwks_parse(body, strlen(body), &keys, &err);
    if (kind == ERR_NONE)
        install(issuer, keys);
    if (kind == ERR_NONE && issuer->options.keys_told != NULL)
        issuer->options.keys_told(issuer->options.context);
    end_asking(issuer, kind == ERR_NONE ? NULL : &err);
}

static void take_document(void *context, int status, const char *error, const char *body)
{
    struct issuer *issuer = context;
    struct err err = {0};
    struct discovery discovery = {0};
    enum err_kind kind = check_answer("its document", status, error, &err);
    if (kind == ERR_NONE)
        kind = discovery_parse(body, issuer->options.url, &discovery, &err);
    if (kind != ERR_NONE) {
        end_asking(issuer, &err);
        return;
    }
    (void)pthread_mutex_lock(&issuer->lock);
    issuer->discovery = discovery;
    issuer->is_discovered = true;
    (void)pthread_mutex_unlock(&issuer->lock);
    get(issuer, discovery.jwks_uri, take_keys);
}

/* The document, too, may have changed: it is asked for first, each time. */
static void ask_if_due(struct issuer *issuer)
{
    int64_t now_ms = clock_monotonic_ms();
    (void)pthread_mutex_lock(&issuer->lock);
    bool is_late = now_ms - issuer->asked_at_ms >= ASK_LEAST_MS;
    bool asks = !issuer->is_asking && (now_ms >= issuer->ask_at_ms || (issuer->is_wanted && is_late));
    if (asks) {
        issuer->is_asking = true;
        issuer->asked_at_ms = now_ms;
    }
    (void)pthread_mutex_unlock(&issuer->lock);
    if (!asks)
        return;
    char url[ENDPOINT_SIZE + sizeof WELL_KNOWN];
    size_t length = strlen(issuer->options.url);
    bool has_slash = length > 0 && issuer->options.url[length - 1] == '/'; /* Discovery 1.0, 4.1: it is left out */
    (void)snprintf(url, sizeof url, "%.*s" WELL_KNOWN, (int)(length - has_slash), issuer->options.url);
    get(issuer, url, take_document);
}

bool issuer_discovery(struct issuer *issuer, struct discovery *ret)
{
    (void)pthread_mutex_lock(&issuer->lock);
    bool is_known = issuer->is_discovered;
    *ret = issuer->discovery;
    (void)pthread_mutex_unlock(&issuer->lock);
    return is_known;
}

/* ---- Exchanges ---- */

static void errand_free(struct errand *errand)
{
    if (errand->form != NULL)
        OPENSSL_cleanse(errand->form, strlen(errand->form));
    if (errand->authorization != NULL)
        OPENSSL_cleanse(errand->authorization, strlen(errand->authorization));
    free(errand->form);
    free(errand->authorization);
    free(errand);
}

bool issuer_exchange(struct issuer *issuer, const char *form, const char *authorization, issuer_answered *answered,
                     void *context)
{
    struct errand *errand = alloc_zero(1, sizeof *errand);
    *errand = (struct errand){.issuer = issuer,
                              .form = alloc_text(form),
                              .authorization = authorization == NULL ? NULL : alloc_text(authorization),
                              .answered = answered,
                              .context = context};
    (void)pthread_mutex_lock(&issuer->lock);
    bool may = issuer->is_discovered && issuer->discovery.token_endpoint[0] != '\0' &&
               issuer->exchange_count < EXCHANGES_MAX && !atomic_load(&issuer->stopping);
    if (may) {
        errand->next = issuer->queued;
        issuer->queued = errand;
        issuer->exchange_count++;
    }
    (void)pthread_mutex_unlock(&issuer->lock);
    if (may)
        wake(issuer);
    else
        errand_free(errand);
    return may;
}

static struct errand *take_queued(struct issuer *issuer, struct discovery *ret)
{
    (void)pthread_mutex_lock(&issuer->lock);
    struct errand *queued = issuer->queued;
    issuer->queued = NULL;
    *ret = issuer->discovery;
    (void)pthread_mutex_unlock(&issuer->lock);
    return queued;
}

static void begin_exchanges(struct issuer *issuer)
{
    struct discovery discovery;
    struct errand *next = NULL;
    for (struct errand *errand = take_queued(issuer, &discovery); errand != NULL; errand = next) {
        next = errand->next;
        const char *const headers[] = {"Accept: application/json", errand->authorization, NULL};
        begin(errand, &(struct sender_request){.url = discovery.token_endpoint,
                                               .headers = headers,
                                               .content_type = "application/x-www-form-urlencoded",
                                               .body = errand->form});
    }
}

static void end_errand(void *context, int status, const char *error, const char *body)
{
    struct errand *errand = context;
    struct issuer *issuer = errand->issuer;
    if (errand->previous == NULL)
        issuer->under_way = errand->next;
    else
        errand->previous->next = errand->next;
    if (errand->next != NULL)
        errand->next->previous = errand->previous;
    if (errand->form != NULL) {
        (void)pthread_mutex_lock(&issuer->lock);
        issuer->exchange_count--;
        (void)pthread_mutex_unlock(&issuer->lock);
    }
    errand->answered(errand->context, status, error, body);
    errand_free(errand);
}

/* ---- The thread ---- */

static void *run(void *context)
{
    struct issuer *issuer = context;
    while (!atomic_load(&issuer->stopping)) {
        ask_if_due(issuer);
        begin_exchanges(issuer);
        sender_poll(issuer->sender, issuer->wake_fd, POLL_MS);
        uint64_t woken = 0;
        (void)(read(issuer->wake_fd, &woken, sizeof woken) > 0); /* it does not block */
    }
    return NULL;
}

void issuer_metrics_register(void)
{
    metric_register(metrics, COUNT_OF(metrics));
}

struct issuer *issuer_start(const struct issuer_options *options)
{
    struct issuer *issuer = alloc_zero(1, sizeof *issuer);
    issuer->options = *options;
    issuer->asked_at_ms = INT64_MIN / 2;
    issuer->sender = sender_new(&(struct sender_options){
        .rules = {.allows_http = strncmp(options->url, "http:", strlen("http:")) == 0, .allows_private = true},
        .user_agent = "Sluice/1",
        .ca_file = options->ca_file,
        .timeout_ms = options->timeout_ms,
        .body_max = BODY_MAX,
        .needs_whole = true,
        .ended = end_errand});
    issuer->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    must(issuer->wake_fd >= 0);
    must(pthread_rwlock_init(&issuer->keys_lock, NULL) == 0);
    must(pthread_mutex_init(&issuer->lock, NULL) == 0);
    must(pthread_create(&issuer->thread, NULL, run, issuer) == 0);
    return issuer;
}

void issuer_stop(struct issuer *issuer)
{
    if (issuer == NULL)
        return;
    atomic_store(&issuer->stopping, true);
    wake(issuer);
    (void)pthread_join(issuer->thread, NULL);
    begin_exchanges(issuer);
    sender_abort(issuer->sender);
    while (issuer->under_way != NULL)
        end_errand(issuer->under_way, 0, "the server is stopping", "");
    tell_waiters(issuer);
    sender_free(issuer->sender);
    jwks_free(issuer->keys);
    (void)pthread_rwlock_destroy(&issuer->keys_lock);
    (void)pthread_mutex_destroy(&issuer->lock);
    (void)close(issuer->wake_fd);
    free(issuer);
}
