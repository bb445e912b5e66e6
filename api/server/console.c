/* The web console's files, from console_dir, under /console. A path is a list of plain names; anything else, dots
 * in front included, is not found, so there is no way out of the folder. Addresses of the console's own pages get
 * index.html. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/server/server.h"
#include "common/must.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PREFIX        "/console"
#define FILE_SIZE_MAX (64 * 1024 * 1024)

#define POLICY "default-src 'self'; frame-ancestors 'none'; object-src 'none'; base-uri 'none'; form-action 'self'"

static const struct {
    const char *ending, *type;
} types[] = {
    {".html", "text/html; charset=utf-8"},
    {".js", "text/javascript; charset=utf-8"},
    {".css", "text/css; charset=utf-8"},
    {".svg", "image/svg+xml"},
    {".json", "application/json"},
    {".png", "image/png"},
    {".ico", "image/x-icon"},
    {".woff2", "font/woff2"},
    {".map", "application/json"},
    {".txt", "text/plain; charset=utf-8"},
};

const char *console_start(const struct server *server)
{
    return server->settings->console_dir[0] == '\0' ? "/sign-in" : PREFIX "/";
}

bool console_serves(const struct server *server, const char *path)
{
    bool is_below =
        strncmp(path, PREFIX, strlen(PREFIX)) == 0 && (path[strlen(PREFIX)] == '\0' || path[strlen(PREFIX)] == '/');
    return server->settings->console_dir[0] != '\0' && is_below;
}

static bool is_plain_path(const char *path)
{
    static const char characters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_./";
    return path[strspn(path, characters)] == '\0' && strstr(path, "/.") == NULL && strstr(path, "//") == NULL &&
           strlen(path) < 512;
}

static const char *type_of(const char *path)
{
    const char *ending = strrchr(path, '.');
    for (size_t i = 0; ending != NULL && i < COUNT_OF(types); i++) {
        if (strcmp(types[i].ending, ending) == 0)
            return types[i].type;
    }
    return "application/octet-stream";
}

static int open_file(struct request_internal *internal, const char *name, struct stat *ret)
{
    const char *path = arena_format(internal->request.arena, "%s%s", internal->server->settings->console_dir, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return -1;
    if (fstat(fd, ret) == 0 && S_ISREG(ret->st_mode) && ret->st_size <= FILE_SIZE_MAX)
        return fd;
    (void)close(fd);
    return -1;
}

static enum MHD_Result not_found(struct request_internal *internal, int status, const char *text)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(
        strlen(text), arena_text(internal->request.arena, text), MHD_RESPMEM_PERSISTENT);
    must(response != NULL);
    (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, "text/plain; charset=utf-8");
    (void)MHD_add_response_header(response, "Request-Id", internal->request.id);
    (void)MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
    enum MHD_Result queued = MHD_queue_response(internal->connection, (unsigned)status, response);
    MHD_destroy_response(response);
    return queued;
}

enum MHD_Result console_answer(struct request_internal *internal)
{
    const struct request *request = &internal->request;
    bool reads = strcmp(request->method, "GET") == 0 || strcmp(request->method, "HEAD") == 0;
    if (!reads)
        return not_found(internal, 405, "only GET and HEAD\n");
    const char *name = request->path + strlen(PREFIX);
    struct stat status;
    bool is_page = strrchr(name, '.') == NULL; /* an address of the console's own router */
    int fd = is_plain_path(name) ? open_file(internal, is_page ? "/index.html" : name, &status) : -1;
    if (fd < 0)
        return not_found(internal, 404, "there is no such file\n");
    struct MHD_Response *response = MHD_create_response_from_fd((size_t)status.st_size, fd); /* closes fd */
    must(response != NULL);
    bool is_hashed = strncmp(name, "/assets/", strlen("/assets/")) == 0; /* the build puts a hash in the name */
    (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type_of(is_page ? ".html" : name));
    (void)MHD_add_response_header(response, "Request-Id", request->id);
    (void)MHD_add_response_header(response, "Content-Security-Policy", POLICY);
    (void)MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    (void)MHD_add_response_header(response, "X-Frame-Options", "DENY");
    (void)MHD_add_response_header(response, "Referrer-Policy", "no-referrer");
    (void)MHD_add_response_header(response, "Cross-Origin-Opener-Policy", "same-origin");
    (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL,
                                  is_hashed ? "public, max-age=31536000, immutable" : "no-cache");
    enum MHD_Result queued = MHD_queue_response(internal->connection, 200, response);
    MHD_destroy_response(response);
    return queued;
}
