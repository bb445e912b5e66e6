/* The admin listener: one thread of libmicrohttpd, so ready() is never called twice at a time. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "common/admin.h"

#include "common/alloc.h"
#include "common/listen.h"
#include "common/metrics.h"
#include "common/must.h"

#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ADMIN_CONNECTIONS_MAX 32U
#define ADMIN_TIMEOUT_S       10U

static struct metric metric_ready = {
    .name = "sluice_ready", .type = METRIC_GAUGE, .help = "1 where /readyz answers 200 now, else 0"};

struct admin {
    struct MHD_Daemon *daemon;
    char *socket_path; /* removed at the end; NULL for TCP */
    bool (*ready)(void *context, FILE *out);
    void *context;
};

/* ---- Answering ---- */

typedef unsigned page_write(struct admin *admin, FILE *out);

static unsigned write_live(struct admin *admin, FILE *out)
{
    (void)admin;
    fputs("ok\n", out);
    return MHD_HTTP_OK;
}

/* Its metric tells of the moment at which it is asked for: all others keep what they were set to last, also while the
 * database is away. */
static bool is_ready(struct admin *admin, FILE *out)
{
    bool ready = admin->ready(admin->context, out);
    metric_set(&metric_ready, ready);
    return ready;
}

static unsigned write_ready(struct admin *admin, FILE *out)
{
    return is_ready(admin, out) ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE;
}

static unsigned write_metrics(struct admin *admin, FILE *out)
{
    char *unread = NULL;
    size_t length = 0;
    FILE *checks = open_memstream(&unread, &length);
    must(checks != NULL);
    (void)is_ready(admin, checks);
    must(fclose(checks) == 0);
    free(unread);
    metrics_write(out);
    return MHD_HTTP_OK;
}

static const struct page {
    const char *path;
    page_write *write;
    const char *content_type;
} pages[] = {
    {"/livez", write_live, "text/plain; charset=utf-8"},
    {"/readyz", write_ready, "text/plain; charset=utf-8"},
    {"/metrics", write_metrics, "text/plain; version=0.0.4; charset=utf-8"},
};

static const struct page *page_at(const char *path)
{
    for (size_t i = 0; i < COUNT_OF(pages); i++) {
        if (strcmp(pages[i].path, path) == 0)
            return &pages[i];
    }
    return NULL;
}

static unsigned write_body(struct admin *admin, const struct page *page, const char *method, FILE *out)
{
    if (page == NULL) {
        fputs("there is /livez, /readyz and /metrics\n", out);
        return MHD_HTTP_NOT_FOUND;
    }
    if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0) {
        fputs("GET only\n", out);
        return MHD_HTTP_METHOD_NOT_ALLOWED;
    }
    return page->write(admin, out);
}

static enum MHD_Result answer(struct admin *admin, struct MHD_Connection *connection, const char *path,
                              const char *method)
{
    const struct page *page = page_at(path);
    char *body = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&body, &length);
    must(out != NULL);
    unsigned status = write_body(admin, page, method, out);
    must(fclose(out) == 0);

    struct MHD_Response *response = MHD_create_response_from_buffer(length, body, MHD_RESPMEM_MUST_FREE);
    must(response != NULL);
    const char *content_type = page == NULL ? pages[0].content_type : page->content_type;
    enum MHD_Result result = MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, content_type);
    if (result == MHD_YES)
        result = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return result;
}

/* libmicrohttpd calls once when the headers are there, and again when the body is. 0.9.75 closes a connection that is
 * answered in the first call, so the answer waits for the second; a body is skipped. */
static enum MHD_Result handle(void *context, struct MHD_Connection *connection, const char *path, const char *method,
                              const char *version, const char *upload, size_t *upload_length, void **request)
{
    static char seen; /* its address marks a request that was seen before */
    (void)version;
    (void)upload;
    if (*request == NULL) {
        *request = &seen;
        return MHD_YES;
    }
    if (*upload_length > 0) {
        *upload_length = 0;
        return MHD_YES;
    }
    return answer(context, connection, path, method);
}

/* ---- Life ---- */

enum err_kind admin_start(const char *listen_at, bool (*ready)(void *context, FILE *out), void *context,
                          struct admin **ret, struct err *reterr)
{
    *ret = NULL;
    if (listen_at[0] == '\0')
        return ERR_NONE;
    int fd = -1;
    enum err_kind kind = listen_open(listen_at, LISTEN_ANY, &fd, reterr);
    if (kind != ERR_NONE)
        return kind;

    metric_register((struct metric *const[]){&metric_ready}, 1);
    struct admin *admin = alloc_zero(1, sizeof *admin);
    admin->ready = ready;
    admin->context = context;
    admin->daemon = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL, 0, NULL, NULL, handle, admin,
                                     MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT, ADMIN_CONNECTIONS_MAX,
                                     MHD_OPTION_CONNECTION_TIMEOUT, ADMIN_TIMEOUT_S, MHD_OPTION_END);
    if (admin->daemon == NULL) {
        (void)close(fd); /* else the daemon closes it */
        free(admin);
        return err_set(reterr, ERR_UNAVAILABLE, "cannot start the admin listener at '%s'", listen_at);
    }
    const char *path = listen_unix_path(listen_at);
    admin->socket_path = path == NULL ? NULL : alloc_text(path);
    *ret = admin;
    return ERR_NONE;
}

void admin_stop(struct admin *admin)
{
    if (admin == NULL)
        return;
    MHD_stop_daemon(admin->daemon);
    if (admin->socket_path != NULL)
        (void)unlink(admin->socket_path); /* the next start removes it too */
    free(admin->socket_path);
    free(admin);
}
