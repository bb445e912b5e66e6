/* What is weak among the settings of sluice-api. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/server/settings_check.h"

#include "api/server/settings.h"
#include "common/listen.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define SECRET_LENGTH_LEAST   32
#define HEADER_TIMEOUT_MOST   60
#define SESSION_LIFETIME_MOST 604800 /* a week */
#define BEARER_LIFETIME_MOST  86400

static bool has_no_secret(const void *target)
{
    return ((const struct api_settings *)target)->cursor_secret[0] == '\0';
}

static bool has_short_secret(const void *target)
{
    size_t length = strlen(((const struct api_settings *)target)->cursor_secret);
    return length > 0 && length < SECRET_LENGTH_LEAST;
}

static bool has_no_door(const void *target)
{
    return strstr(((const struct api_settings *)target)->listen, "unix:") == NULL;
}

/* May somebody beside owner and group reach the socket, and so speak as the proxy does? */
static bool has_open_directory(const void *target)
{
    const char *socket = strstr(((const struct api_settings *)target)->listen, "unix:");
    const char *path = socket == NULL ? NULL : listen_unix_path(socket);
    char directory[512];
    struct stat status;
    if (path == NULL ||
        (size_t)snprintf(directory, sizeof directory, "%.*s", (int)strcspn(path, ","), path) >= sizeof directory)
        return false;
    char *slash = strrchr(directory, '/');
    if (slash == NULL)
        return false;
    *slash = '\0';
    return stat(directory, &status) == 0 && (status.st_mode & S_IRWXO) != 0;
}

static bool limits_no_tenant(const void *target)
{
    const struct api_settings *settings = target;
    return settings->rate_read_per_s == 0 || settings->rate_write_per_s == 0 || settings->rate_report_per_s == 0;
}

static bool limits_no_stranger(const void *target)
{
    return ((const struct api_settings *)target)->rate_unauthenticated_per_s == 0;
}

static bool waits_long_for_headers(const void *target)
{
    return ((const struct api_settings *)target)->header_timeout_s > HEADER_TIMEOUT_MOST;
}

static bool lets_plain_origins_in(const void *target)
{
    return strstr(((const struct api_settings *)target)->cors_origins, "http:") != NULL;
}

static bool stays_signed_in(const void *target)
{
    return ((const struct api_settings *)target)->session_lifetime_s > SESSION_LIFETIME_MOST;
}

/* Over plain HTTP whoever is on the way says who somebody is. On loopback nobody is. */
static bool is_plain(const char *issuer)
{
    static const char *const loopback[] = {"http://127.0.0.1", "http://localhost", "http://[::1]"};
    bool is_near = false;
    for (size_t i = 0; i < COUNT_OF(loopback); i++) {
        size_t length = strlen(loopback[i]);
        is_near = is_near || (strncmp(issuer, loopback[i], length) == 0 && strchr(":/", issuer[length]) != NULL);
    }
    return strncmp(issuer, "http:", strlen("http:")) == 0 && !is_near;
}

static bool signs_in_plainly(const void *target)
{
    return is_plain(((const struct api_settings *)target)->sign_in_issuer);
}

static bool believes_plainly(const void *target)
{
    return is_plain(((const struct api_settings *)target)->workload_issuer);
}

static bool has_one_audience_for_both(const void *target)
{
    const struct api_settings *settings = target;
    return settings->workload_issuer[0] != '\0' && strcmp(settings->workload_issuer, settings->sign_in_issuer) == 0 &&
           strcmp(settings->workload_audience, settings->sign_in_client_id) == 0;
}

static bool takes_long_bearers(const void *target)
{
    return ((const struct api_settings *)target)->workload_lifetime_max_s > BEARER_LIFETIME_MOST;
}

static bool has_no_audience(const void *target)
{
    const struct api_settings *settings = target;
    return (settings->workload_issuer[0] != '\0' && settings->workload_audience[0] == '\0') ||
           (settings->sign_in_issuer[0] != '\0' && settings->sign_in_client_id[0] == '\0');
}

static bool signs_no_checkpoints(const void *target)
{
    return ((const struct api_settings *)target)->audit_key_file[0] == '\0';
}

// clang-format off
const struct config_check api_settings_checks[] = {
    {"cursor_secret", has_no_secret, "is not set: cursors end with the process, and another replica's are refused"},
    {"cursor_secret", has_short_secret, "is shorter than 32 characters and could be guessed: openssl rand -hex 32"},
    {"listen", has_no_door, "has no unix socket for the TLS proxy: clients come in plain HTTP, and all by one address"},
    {"listen", has_open_directory, "is a socket in a directory that others may enter, who can then say whom they speak for: chmod 0750"},
    {"rate_read_per_s", limits_no_tenant, "or another limit on a tenant's requests is 0: one tenant can take all there is"},
    {"rate_unauthenticated_per_s", limits_no_stranger, "is 0: an address can try as many tokens as it likes"},
    {"header_timeout_s", waits_long_for_headers, "is more than a minute: slow requests keep connections for as long"},
    {"cors_origins", lets_plain_origins_in, "has an origin without TLS: whoever is on the way can call as its users"},
    {"session_lifetime_s", stays_signed_in, "is more than a week: a browser left behind is its finder's for as long"},
    {"sign_in_issuer", signs_in_plainly, "is not asked over TLS: whoever is on the way says who somebody is"},
    {"workload_issuer", believes_plainly, "is not asked over TLS: whoever is on the way says who somebody is"},
    {"workload_audience", has_no_audience, "or sign_in_client_id is not set: a token made for others would be taken, so it does not start"},
    {"workload_audience", has_one_audience_for_both, "is the sign_in_client_id: a person's id token would do for a workload"},
    {"workload_lifetime_max_s", takes_long_bearers, "is more than a day: a stolen token is good for as long, and cannot be revoked"},
    {"audit_key_file", signs_no_checkpoints, "is not set: who can write the database can rewrite the audit unseen"},
    CONFIG_CHECKS_END,
};
// clang-format on
