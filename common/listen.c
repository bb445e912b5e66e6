/* Opening a listening socket: the address is found, judged, bound. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "common/listen.h"

#include "common/alloc.h"
#include "common/must.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG     1024
#define UNIX_PREFIX "unix:"

static enum err_kind bind_and_listen(const char *listen_at, const struct sockaddr *address, socklen_t size, int *ret,
                                     struct err *reterr)
{
    int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    const int on = 1;
    bool is_unix = address->sa_family == AF_UNIX;
    bool fine = fd >= 0 && (is_unix || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0) &&
                bind(fd, address, size) == 0 && listen(fd, BACKLOG) == 0;
    if (fine) {
        *ret = fd;
        return ERR_NONE;
    }
    enum err_kind kind =
        err_set(reterr, ERR_UNAVAILABLE, "cannot listen at '%s': %s", listen_at, strerrordesc_np(errno));
    if (fd >= 0)
        (void)close(fd);
    return kind;
}

static enum err_kind listen_unix(const char *listen_at, const char *path, int *ret, struct err *reterr)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (path[0] != '/' || strlen(path) >= sizeof address.sun_path) {
        return err_set(reterr, ERR_INVALID, "'%s' must be unix: and an absolute path of at most %zu bytes", listen_at,
                       sizeof address.sun_path - 1);
    }
    memcpy(address.sun_path, path, strlen(path) + 1);
    struct stat before = {0};
    if (lstat(path, &before) == 0 && S_ISSOCK(before.st_mode))
        (void)unlink(path); /* of a process that died; bind says so if it cannot be removed */
    enum err_kind kind = bind_and_listen(listen_at, (const struct sockaddr *)&address, sizeof address, ret, reterr);
    if (kind == ERR_NONE && chmod(path, S_IRUSR | S_IWUSR | S_IRGRP | S_IWGRP) != 0) {
        (void)close(*ret);
        return err_set(reterr, ERR_UNAVAILABLE, "cannot set the mode of '%s': %s", path, strerrordesc_np(errno));
    }
    return kind;
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

static bool is_loopback(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 v6;
        memcpy(&v6, address, sizeof v6);
        return IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr);
    }
    struct sockaddr_in v4;
    memcpy(&v4, address, sizeof v4);
    return address->sa_family == AF_INET && ntohl(v4.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
}

static enum err_kind listen_tcp(const char *listen_at, enum listen_reach reach, int *ret, struct err *reterr)
{
    CLEANUP(text_freep) char *copy = alloc_text(listen_at);
    char *host = NULL;
    char *port = NULL;
    const struct addrinfo hints = {
        .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *address = NULL;
    if (!split_host_port(copy, &host, &port) || getaddrinfo(host, port, &hints, &address) != 0) {
        return err_set(reterr, ERR_INVALID, "'%s' is not an address to listen at, as 'host:port' or 'unix:/path'",
                       listen_at);
    }
    enum err_kind kind = ERR_NONE;
    if (reach == LISTEN_LOCAL && !is_loopback(address->ai_addr))
        kind = err_set(reterr, ERR_INVALID, "'%s' is neither a loopback address with a port nor unix:/path", listen_at);
    else
        kind = bind_and_listen(listen_at, address->ai_addr, address->ai_addrlen, ret, reterr);
    freeaddrinfo(address);
    return kind;
}

const char *listen_unix_path(const char *listen_at)
{
    bool is_unix = strncmp(listen_at, UNIX_PREFIX, strlen(UNIX_PREFIX)) == 0;
    return is_unix ? listen_at + strlen(UNIX_PREFIX) : NULL;
}

enum err_kind listen_open(const char *listen_at, enum listen_reach reach, int *ret, struct err *reterr)
{
    const char *path = listen_unix_path(listen_at);
    return path != NULL ? listen_unix(listen_at, path, ret, reterr) : listen_tcp(listen_at, reach, ret, reterr);
}
