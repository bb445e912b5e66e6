/* Opening the listening socket. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/server/socket.h"

#include "common/must.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG     1024
#define UNIX_PREFIX "unix:"

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    struct sockaddr_un local;
};

static enum err_kind bind_and_listen(const char *text, const union address *address, socklen_t size, int *ret,
                                     struct err *reterr)
{
    int fd = socket(address->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return err_set(reterr, ERR_UNAVAILABLE, "socket for '%s': %s", text, strerrordesc_np(errno));
    int yes = 1;
    if (address->any.sa_family != AF_UNIX)
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(fd, &address->any, size) != 0 || listen(fd, BACKLOG) != 0) {
        enum err_kind kind =
            err_set(reterr, ERR_UNAVAILABLE, "cannot listen on '%s': %s", text, strerrordesc_np(errno));
        (void)close(fd);
        return kind;
    }
    *ret = fd;
    return ERR_NONE;
}

static enum err_kind listen_unix(const char *text, int *ret, struct err *reterr)
{
    const char *path = text + strlen(UNIX_PREFIX);
    union address address = {.local = {.sun_family = AF_UNIX}};
    if (path[0] != '/' || strlen(path) >= sizeof address.local.sun_path)
        return err_set(reterr, ERR_INVALID, "'%s' must be unix: and an absolute path of at most %zu bytes", text,
                       sizeof address.local.sun_path - 1);
    memcpy(address.local.sun_path, path, strlen(path) + 1);
    struct stat old;
    if (lstat(path, &old) == 0 && S_ISSOCK(old.st_mode))
        (void)unlink(path); /* left by a process that was killed */
    enum err_kind kind = bind_and_listen(text, &address, sizeof address.local, ret, reterr);
    if (kind == ERR_NONE)
        (void)chmod(path, 0660);
    return kind;
}

enum err_kind socket_listen(const char *text, int *ret, struct err *reterr)
{
    if (strncmp(text, UNIX_PREFIX, strlen(UNIX_PREFIX)) == 0)
        return listen_unix(text, ret, reterr);
    char host[64];
    unsigned port = 0;
    char end = '\0';
    bool is_v6 = sscanf(text, "[%63[0-9a-fA-F:]]:%5u%c", host, &port, &end) == 2;
    bool is_v4 = !is_v6 && sscanf(text, "%63[0-9.]:%5u%c", host, &port, &end) == 2;
    union address address = {0};
    if (is_v6 && port <= UINT16_MAX && inet_pton(AF_INET6, host, &address.v6.sin6_addr) == 1) {
        address.v6.sin6_family = AF_INET6;
        address.v6.sin6_port = htons((uint16_t)port);
        if (IN6_IS_ADDR_LOOPBACK(&address.v6.sin6_addr))
            return bind_and_listen(text, &address, sizeof address.v6, ret, reterr);
    } else if (is_v4 && port <= UINT16_MAX && inet_pton(AF_INET, host, &address.v4.sin_addr) == 1) {
        address.v4.sin_family = AF_INET;
        address.v4.sin_port = htons((uint16_t)port);
        if (ntohl(address.v4.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET)
            return bind_and_listen(text, &address, sizeof address.v4, ret, reterr);
    }
    return err_set(reterr, ERR_INVALID, "'%s' is neither a loopback address with a port nor unix:/path", text);
}
