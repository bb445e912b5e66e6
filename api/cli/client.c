/* HTTP with libcurl: one easy handle, so that the connection is kept between requests. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/cli/client.h"

#include "api/cli/text.h"
#include "common/alloc.h"
#include "common/arena.h"
#include "common/must.h"

#include <curl/curl.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define CONNECT_TIMEOUT_S 10L
#define REQUEST_TIMEOUT_S 30L /* beside the time the server was asked to wait */
#define ATTEMPTS_MAX      4
#define PAUSE_MS          INT64_C(200) /* before the second attempt; doubles */
#define RETRY_AFTER_S_MAX 5            /* of what the server asks for */
#define URL_LENGTH_MAX    2048U

struct client {
    CURL *curl;
    char *base;          /* "http://host:port", maybe a path; neither a slash nor /v1 at the end */
    char *shown;         /* as the user wrote it */
    char *authorization; /* header line or NULL */
    bool exposed;
};

struct received {
    char *text;
    size_t length, capacity;
    bool too_long;
};

static void received_clear(struct received *received)
{
    free(received->text);
}

static void headers_clear(struct curl_slist **headers)
{
    curl_slist_free_all(*headers);
}

/* ---- Making one ---- */

static void url_clear(CURLU **url)
{
    curl_url_cleanup(*url);
}

static bool is_loopback(const char *host)
{
    return strcmp(host, "localhost") == 0 || strncmp(host, "127.", 4) == 0 || strcmp(host, "[::1]") == 0;
}

/* curl's own reading of the URL, so that we and it mean the same host. */
static bool read_url(const char *text, bool *ret_loopback, bool *ret_secure)
{
    CLEANUP(url_clear) CURLU *url = curl_url();
    char *host = NULL;
    char *scheme = NULL;
    char *query = NULL;
    must(url != NULL);
    bool fine = strlen(text) <= URL_LENGTH_MAX && strstr(text, "://") != NULL &&
                curl_url_set(url, CURLUPART_URL, text, 0) == CURLUE_OK &&
                curl_url_get(url, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
                curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
                curl_url_get(url, CURLUPART_QUERY, &query, 0) == CURLUE_NO_QUERY &&
                (strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0);
    if (fine) {
        *ret_loopback = is_loopback(host);
        *ret_secure = strcmp(scheme, "https") == 0;
    }
    curl_free(host);
    curl_free(scheme);
    curl_free(query);
    return fine;
}

/* Paths begin with /v1: where the address ends with it, as that of any route does, it is not said twice. */
static void cut_to_base(char *url)
{
    static const char version[] = "/v1";
    size_t length = strlen(url);
    while (length > 0 && url[length - 1] == '/')
        url[--length] = '\0';
    if (length <= strlen(version))
        return;
    char *end = url + length - strlen(version);
    if (strcmp(end, version) == 0 && end[-1] != '/') /* "http://v1" is a host */
        *end = '\0';
}

static size_t receive(char *data, size_t size, size_t count, void *context)
{
    struct received *received = context;
    size_t length = size * count; /* at most CURL_MAX_WRITE_SIZE */
    if (length > CLIENT_ANSWER_BYTES_MAX - received->length) {
        received->too_long = true;
        return 0; /* curl ends the transfer */
    }
    if (received->length + length > received->capacity) {
        received->capacity = 2 * (received->length + length);
        received->text = alloc_resize(received->text, received->capacity, 1);
    }
    memcpy(received->text + received->length, data, length);
    received->length += length;
    return length;
}

#define SET(curl, option, value) must(curl_easy_setopt((curl), (option), (value)) == CURLE_OK)

static void set_up(CURL *curl)
{
    SET(curl, CURLOPT_NOSIGNAL, 1L);
    SET(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    SET(curl, CURLOPT_FOLLOWLOCATION, 0L);
    SET(curl, CURLOPT_CONNECTTIMEOUT, CONNECT_TIMEOUT_S);
    SET(curl, CURLOPT_MAXFILESIZE, (long)CLIENT_ANSWER_BYTES_MAX);
    SET(curl, CURLOPT_USERAGENT, "sluice/" SLUICE_VERSION);
    SET(curl, CURLOPT_WRITEFUNCTION, receive);
    SET(curl, CURLOPT_ACCEPT_ENCODING, NULL); /* a compressed answer could be larger than its bound */
}

enum err_kind client_new(const char *url, const char *token, const char *ca_file, struct client **ret,
                         struct err *reterr)
{
    bool loopback = true;
    bool secure = false;
    const char *socket = strncmp(url, "unix:/", 6) == 0 ? url + 5 : NULL;
    if (socket == NULL && !read_url(url, &loopback, &secure))
        return err_set(reterr, ERR_INVALID, "'%s' is no address of an API: want http://, https:// or unix:/path", url);
    struct client *client = alloc_zero(1, sizeof *client);
    client->curl = curl_easy_init();
    must(client->curl != NULL);
    set_up(client->curl);
    client->shown = alloc_text(url);
    client->base = alloc_text(socket == NULL ? url : "http://localhost");
    cut_to_base(client->base);
    client->exposed = !loopback && !secure;
    if (socket != NULL)
        SET(client->curl, CURLOPT_UNIX_SOCKET_PATH, socket);
    if (loopback)
        SET(client->curl, CURLOPT_PROXY, ""); /* the environment's proxy has nothing to do with this machine */
    if (ca_file != NULL)
        SET(client->curl, CURLOPT_CAINFO, ca_file);
    if (token != NULL)
        must(asprintf(&client->authorization, "Authorization: Bearer %s", token) > 0);
    *ret = client;
    return ERR_NONE;
}

void client_free(struct client *client)
{
    if (client == NULL)
        return;
    curl_easy_cleanup(client->curl);
    if (client->authorization != NULL)
        explicit_bzero(client->authorization, strlen(client->authorization));
    free(client->authorization);
    free(client->base);
    free(client->shown);
    free(client);
}

bool client_is_exposed(const struct client *client)
{
    return client->exposed;
}

const char *client_escape(struct client *client, struct arena *arena, const char *text)
{
    char *escaped = curl_easy_escape(client->curl, text, (int)strnlen(text, INT32_MAX));
    must(escaped != NULL);
    const char *copy = arena_text(arena, escaped);
    curl_free(escaped);
    return copy;
}

int64_t client_monotonic_ms(void)
{
    struct timespec now;
    must(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void client_pause_ms(int64_t pause_ms)
{
    struct timespec left = {.tv_sec = pause_ms / 1000, .tv_nsec = pause_ms % 1000 * 1000000};
    while (clock_nanosleep(CLOCK_MONOTONIC, 0, &left, &left) == EINTR)
        continue;
}

/* ---- One attempt ---- */

static void add_header(struct curl_slist **headers, const char *line)
{
    struct curl_slist *longer = curl_slist_append(*headers, line);
    must(longer != NULL);
    *headers = longer;
}

static struct curl_slist *headers_of(const struct client *client, const struct client_request *request)
{
    struct curl_slist *headers = NULL;
    CLEANUP(text_freep) char *key = NULL;
    CLEANUP(text_freep) char *match = NULL;
    CLEANUP(text_freep) char *wait = NULL;
    add_header(&headers, request->wants_csv ? "Accept: text/csv" : "Accept: application/json");
    add_header(&headers, "Expect:"); /* no 100-continue: one round trip */
    if (client->authorization != NULL)
        add_header(&headers, client->authorization);
    add_header(&headers, request->body != NULL ? "Content-Type: application/json" : "Content-Type:");
    if (request->idempotency_key != NULL) {
        must(asprintf(&key, "Idempotency-Key: %s", request->idempotency_key) > 0);
        add_header(&headers, key);
    }
    if (request->if_match != NULL) {
        must(asprintf(&match, "If-Match: %s", request->if_match) > 0);
        add_header(&headers, match);
    }
    if (request->wait_s > 0) {
        must(asprintf(&wait, "Prefer: wait=%" PRId64, request->wait_s) > 0);
        add_header(&headers, wait);
    }
    return headers;
}

#define WHERE_IT_IS "Where the API is, --url says, else SLUICE_URL, else the profile."

/* What curl says, in our kinds; anything else: the connection could not be made or broke. A hint stands only where nothing
 * was sent. */
static const struct {
    CURLcode code;
    enum err_kind kind;
    const char *hint; /* NULL: none */
} curl_kinds[] = {
    {CURLE_COULDNT_CONNECT, ERR_UNAVAILABLE, WHERE_IT_IS},
    {CURLE_COULDNT_RESOLVE_HOST, ERR_UNAVAILABLE, WHERE_IT_IS},
    {CURLE_PEER_FAILED_VERIFICATION, ERR_UNAVAILABLE,
     "SSL_CERT_FILE names the certificates of an authority of your own, in PEM."},
    {CURLE_OPERATION_TIMEDOUT, ERR_TIMEOUT, NULL},
    {CURLE_FILESIZE_EXCEEDED, ERR_INTERNAL, NULL},
    {CURLE_WEIRD_SERVER_REPLY, ERR_INTERNAL, NULL},
    {CURLE_UNSUPPORTED_PROTOCOL, ERR_INTERNAL, NULL}, /* HTTP/0.9: no status line */
};

static enum err_kind curl_failed(const struct client *client, CURLcode code, const struct received *received,
                                 struct err *reterr)
{
    if (received->too_long)
        return err_set(reterr, ERR_INTERNAL, "the answer of '%s' is longer than %d bytes", client->shown,
                       CLIENT_ANSWER_BYTES_MAX);
    enum err_kind kind = ERR_UNAVAILABLE;
    const char *hint = NULL;
    for (size_t i = 0; i < COUNT_OF(curl_kinds); i++) {
        if (curl_kinds[i].code == code) {
            kind = curl_kinds[i].kind;
            hint = curl_kinds[i].hint;
        }
    }
    (void)err_set(reterr, kind, "cannot reach '%s': %s", client->shown, curl_easy_strerror(code));
    if (reterr != NULL && hint != NULL)
        (void)snprintf(reterr->hint, sizeof reterr->hint, "%s", hint);
    return kind;
}

/* A header of the answer; NULL where it has none. Valid until the next request. */
static const char *header_of(const struct client *client, const char *name)
{
    struct curl_header *header = NULL;
    return curl_easy_header(client->curl, name, 0, CURLH_HEADER, -1, &header) == CURLHE_OK ? header->value : NULL;
}

/* Of `<...&page=MARK>; rel="next"`, which is all that the API has in it. */
static char *next_mark(const char *link)
{
    const char *page = link == NULL ? NULL : strstr(link, "page=");
    if (page == NULL)
        return NULL;
    page += strlen("page=");
    char *mark = strndup(page, strcspn(page, "&>"));
    must(mark != NULL);
    return mark;
}

static enum err_kind read_csv(const struct client *client, struct received *received, struct client_answer *ret,
                              struct err *reterr)
{
    const char *type = header_of(client, "Content-Type");
    bool is_csv = type != NULL && strncmp(type, "text/csv", strlen("text/csv")) == 0;
    if (!is_csv || received->length == 0 || memchr(received->text, '\0', received->length) != NULL)
        return err_set(reterr, ERR_INTERNAL, "'%s' answered without CSV: is it the API?", client->shown);
    char *text = strndup(received->text, received->length);
    must(text != NULL);
    *ret = (struct client_answer){.status = 200, .csv = text, .next = next_mark(header_of(client, "Link"))};
    return ERR_NONE;
}

static enum err_kind read_answer(const struct client *client, const struct client_request *request,
                                 struct received *received, struct client_answer *ret, struct err *reterr)
{
    long status = 0;
    must(curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &status) == CURLE_OK);
    if (status < 200 || status > 599)
        return err_set(reterr, ERR_INTERNAL, "'%s' answered with status %ld: is it the API?", client->shown, status);
    if (request->wants_csv && status < 300)
        return read_csv(client, received, ret, reterr);
    json_error_t error;
    json_t *body = NULL;
    if (received->length > 0)
        body = json_loadb(received->text, received->length, JSON_REJECT_DUPLICATES, &error);
    bool fine = status < 300 && (body != NULL || status == 204);
    if (status < 400 && !fine) {
        json_decref(body);
        return err_set(reterr, ERR_INTERNAL, "'%s' answered %ld without JSON: is it the API?", client->shown, status);
    }
    *ret = (struct client_answer){.status = (int)status, .body = body};
    const char *etag = header_of(client, "ETag");
    if (etag != NULL && strlen(etag) < sizeof ret->etag)
        memcpy(ret->etag, etag, strlen(etag) + 1);
    return ERR_NONE;
}

static void set_request(struct client *client, const struct client_request *request, const char *content,
                        struct received *received)
{
    CURL *curl = client->curl;
    CLEANUP(text_freep) char *url = NULL;
    must(asprintf(&url, "%s%s", client->base, request->path) > 0);
    SET(curl, CURLOPT_URL, url);
    SET(curl, CURLOPT_TIMEOUT, REQUEST_TIMEOUT_S + (long)request->wait_s);
    SET(curl, CURLOPT_WRITEDATA, received);
    SET(curl, CURLOPT_HTTPGET, 1L);
    bool has_content = strcmp(request->method, "POST") == 0 || strcmp(request->method, "PUT") == 0 ||
                       strcmp(request->method, "PATCH") == 0;
    bool is_known = strcmp(request->method, "POST") == 0 || strcmp(request->method, "GET") == 0; /* to curl */
    SET(curl, CURLOPT_CUSTOMREQUEST, is_known ? NULL : request->method);
    if (has_content) {
        SET(curl, CURLOPT_POST, 1L);
        SET(curl, CURLOPT_POSTFIELDSIZE, (long)strlen(content));
        SET(curl, CURLOPT_POSTFIELDS, content);
    }
}

static enum err_kind attempt(struct client *client, const struct client_request *request, const char *content,
                             CURLcode *ret_code, struct client_answer *ret, struct err *reterr)
{
    CLEANUP(received_clear) struct received received = {0};
    CLEANUP(headers_clear) struct curl_slist *headers = headers_of(client, request);
    set_request(client, request, content, &received);
    SET(client->curl, CURLOPT_HTTPHEADER, headers);
    *ret_code = curl_easy_perform(client->curl);
    SET(client->curl, CURLOPT_HTTPHEADER, NULL);
    if (*ret_code != CURLE_OK)
        return curl_failed(client, *ret_code, &received, reterr);
    return read_answer(client, request, &received, ret, reterr);
}

/* ---- Attempts ---- */

static bool connection_was_lost(CURLcode code)
{
    return code == CURLE_SEND_ERROR || code == CURLE_RECV_ERROR || code == CURLE_GOT_NOTHING ||
           code == CURLE_PARTIAL_FILE;
}

/* in_flight: an earlier attempt of this very request, whose connection was lost, is still at work. What has no code is no
 * answer of the API: a proxy before it says that it is away. */
static bool is_retryable(const struct client_answer *answer)
{
    const char *code = json_text_at(answer->body, "code");
    if (code == NULL)
        return answer->status == 502 || answer->status == 503;
    return answer->status >= 400 &&
           (json_is_true(json_at(answer->body, "retryable")) || strcmp(code, "in_flight") == 0);
}

/* How long to pause before the same request is sent again; -1: its outcome stands. */
static int64_t pause_before_retry_ms(struct client *client, enum err_kind kind, CURLcode code,
                                     const struct client_answer *answer, int attempts)
{
    if (attempts == ATTEMPTS_MAX)
        return -1;
    int64_t pause_ms = PAUSE_MS << (attempts - 1);
    if (kind != ERR_NONE)
        return connection_was_lost(code) ? pause_ms : -1;
    if (!is_retryable(answer))
        return -1;
    curl_off_t after_s = 0;
    must(curl_easy_getinfo(client->curl, CURLINFO_RETRY_AFTER, &after_s) == CURLE_OK);
    if (after_s > RETRY_AFTER_S_MAX)
        after_s = RETRY_AFTER_S_MAX;
    return after_s * 1000 > pause_ms ? after_s * 1000 : pause_ms;
}

enum err_kind client_send(struct client *client, const struct client_request *request, struct client_answer *ret,
                          struct err *reterr)
{
    must(strcmp(request->method, "GET") == 0 || strcmp(request->method, "POST") == 0 ||
         strcmp(request->method, "PUT") == 0 || strcmp(request->method, "PATCH") == 0 ||
         strcmp(request->method, "DELETE") == 0);
    must(request->path[0] == '/' && request->wait_s >= 0 && request->wait_s <= CLIENT_WAIT_S_MAX);
    CLEANUP(text_freep)
    char *content = request->body == NULL ? alloc_text("") : json_dumps(request->body, JSON_COMPACT);
    must(content != NULL);
    for (int attempts = 1;; attempts++) {
        struct client_answer answer = {0};
        CURLcode code = CURLE_OK;
        enum err_kind kind = attempt(client, request, content, &code, &answer, reterr);
        int64_t pause_ms = pause_before_retry_ms(client, kind, code, &answer, attempts);
        if (pause_ms < 0) {
            if (kind == ERR_NONE)
                *ret = answer;
            return kind;
        }
        json_decref(answer.body);
        client_pause_ms(pause_ms);
    }
}
