/* The admin listener: one thread of libmicrohttpd, so ready() is never called twice at a time. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "common/admin.h"

#include "common/alloc.h"
#include "common/metrics.h"
#include "common/must.h"

#include <errno.h>
#include <microhttpd.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define ADMIN_CONNECTIONS_MAX 32U
#define ADMIN_TIMEOUT_S       10U
#define ADMIN_BACKLOG         64
#define UNIX_PREFIX           "unix:"

struct admin {
    struct MHD_Daemon *daemon;
    char *socket_path; /* removed at the end; NULL for TCP */
    bool (*ready)(void *context, FILE *out);
    void *context;
};

/* ---- Listening ---- */

static void fd_closep(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd); /* nothing was written to it */
    *fd = -1;
}

/* Hands over the descriptor: the variable forgets it. */
static int fd_take(int *fd)
{
    int taken = *fd;
    *fd = -1;
    return taken;
}

static enum err_kind listen_failed(const char *listen_at, struct err *reterr)
{
    char reason[128];
    return err_set(reterr, ERR_UNAVAILABLE, "cannot listen at '%s': %s", listen_at,
                   strerror_r(errno, reason, sizeof reason));
}

static enum err_kind listen_unix(const char *path, int *ret, struct err *reterr)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path) {
        return err_set(reterr, ERR_INVALID, "the socket path '%s' is longer than %zu characters", path,
                       sizeof address.sun_path - 1);
    }
    memcpy(address.sun_path, path, strlen(path) + 1);
    struct stat before = {0};
    if (lstat(path, &before) == 0 && S_ISSOCK(before.st_mode))
        (void)unlink(path); /* of a process that died; bind says so if it cannot be removed */

    CLEANUP(fd_closep) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool fine = fd >= 0 && bind(fd, (const struct sockaddr *)&address, sizeof address) == 0 &&
                chmod(path, S_IRUSR | S_IWUSR | S_IRGRP | S_IWGRP) == 0 && listen(fd, ADMIN_BACKLOG) == 0;
    if (!fine)
        return listen_failed(path, reterr);
    *ret = fd_take(&fd);
    return ERR_NONE;
}

/* Cuts "host:port" or "[host]:port"; false where it is neither. */
static bool split_host_port(char *text, char **ret_host, char **ret_port)
{
    char *colon = strrchr(text, ':');
    if (colon == NULL || colon == text || colon[1] == '\0')
        return false;
    *colon = '\0';
    *ret_port = colon + 1;
    *ret_host = text;
    size_t length = (size_t)(colon - text);
    if (text[0] == '[' && text[length - 1] == ']') {
        text[length - 1] = '\0';
        *ret_host = text + 1;
    }
    return true;
}

static enum err_kind listen_tcp(const char *listen_at, int *ret, struct err *reterr)
{
    CLEANUP(text_freep) char *copy = alloc_text(listen_at);
    char *host = NULL;
    char *port = NULL;
    const struct addrinfo hints = {
        .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *address = NULL;
    if (!split_host_port(copy, &host, &port) || getaddrinfo(host, port, &hints, &address) != 0)
        return err_set(reterr, ERR_INVALID, "'%s' is not an address to listen at, as 'host:port' or 'unix:/path'",
                       listen_at);

    const int on = 1;
    CLEANUP(fd_closep) int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool fine = fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
                bind(fd, address->ai_addr, address->ai_addrlen) == 0 && listen(fd, ADMIN_BACKLOG) == 0;
    int saved_errno = errno;
    freeaddrinfo(address);
    errno = saved_errno;
    if (!fine)
        return listen_failed(listen_at, reterr);
    *ret = fd_take(&fd);
    return ERR_NONE;
}

/* ---- Answering ---- */

typedef unsigned page_write(struct admin *admin, FILE *out);

static unsigned write_live(struct admin *admin, FILE *out)
{
    (void)admin;
    fputs("ok\n", out);
    return MHD_HTTP_OK;
}

static unsigned write_ready(struct admin *admin, FILE *out)
{
    return admin->ready(admin->context, out) ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE;
}

static unsigned write_metrics(struct admin *admin, FILE *out)
{
    (void)admin;
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
    bool is_unix = strncmp(listen_at, UNIX_PREFIX, strlen(UNIX_PREFIX)) == 0;
    const char *path = listen_at + strlen(UNIX_PREFIX);
    CLEANUP(fd_closep) int fd = -1;
    enum err_kind kind = is_unix ? listen_unix(path, &fd, reterr) : listen_tcp(listen_at, &fd, reterr);
    if (kind != ERR_NONE)
        return kind;

    struct admin *admin = alloc_zero(1, sizeof *admin);
    admin->ready = ready;
    admin->context = context;
    admin->daemon = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL, 0, NULL, NULL, handle, admin,
                                     MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT, ADMIN_CONNECTIONS_MAX,
                                     MHD_OPTION_CONNECTION_TIMEOUT, ADMIN_TIMEOUT_S, MHD_OPTION_END);
    if (admin->daemon == NULL) {
        free(admin);
        return err_set(reterr, ERR_UNAVAILABLE, "cannot start the admin listener at '%s'", listen_at);
    }
    (void)fd_take(&fd); /* the daemon closes it */
    admin->socket_path = is_unix ? alloc_text(path) : NULL;
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
