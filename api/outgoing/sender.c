/* One easy handle per request. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/outgoing/sender.h"

#include "api/outgoing/address.h"
#include "common/alloc.h"
#include "common/must.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define ANSWER_BYTES_MAX   (64L * 1024) /* of the head, and of a body that need not be whole: the rest is not read */
#define CONNECT_TIMEOUT_MS 5000L
#define CONNECTIONS_KEPT   64L

struct transfer {
    struct transfer *previous, *next;
    CURL *easy;
    struct curl_slist *headers;
    char *body;
    void *context;
    struct sender_gate gate;
    const struct sender_options *options;
    char *kept; /* the beginning of the answer's body */
    size_t kept_length;
    size_t head_bytes, body_bytes;
    char error[CURL_ERROR_SIZE];
};

struct sender {
    struct sender_options options;
    CURLM *multi;
    struct transfer *first;
};

/* ---- What libcurl asks ---- */

curl_socket_t sender_open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct sender_gate *gate = context;
    (void)purpose; /* connections only: we listen for nobody */
    if (!gate->allows_private && !address_is_public(&address->addr)) {
        gate->has_refused = true;
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static size_t take_head(char *bytes, size_t size, size_t count, void *context)
{
    struct transfer *transfer = context;
    (void)bytes;
    transfer->head_bytes += size * count;
    return transfer->head_bytes > ANSWER_BYTES_MAX ? 0 : size * count; /* less than was given: libcurl gives up */
}

static size_t take_body(char *bytes, size_t size, size_t count, void *context)
{
    struct transfer *transfer = context;
    size_t given = size * count;
    size_t room = transfer->options->body_max - transfer->kept_length;
    size_t kept = given < room ? given : room;
    memcpy(transfer->kept + transfer->kept_length, bytes, kept);
    transfer->kept_length += kept;
    transfer->body_bytes += given;
    size_t most = transfer->options->needs_whole ? transfer->options->body_max : ANSWER_BYTES_MAX;
    return transfer->body_bytes > most ? 0 : given;
}

/* ---- Transfers ---- */

static void release(struct sender *sender, struct transfer *transfer)
{
    must(curl_multi_remove_handle(sender->multi, transfer->easy) == CURLM_OK);
    if (transfer->previous == NULL)
        sender->first = transfer->next;
    else
        transfer->previous->next = transfer->next;
    if (transfer->next != NULL)
        transfer->next->previous = transfer->previous;
    curl_easy_cleanup(transfer->easy);
    for (const struct curl_slist *each = transfer->headers; each != NULL; each = each->next)
        OPENSSL_cleanse(each->data, strlen(each->data)); /* they may hold secrets, as the body may */
    curl_slist_free_all(transfer->headers);
    if (transfer->body != NULL)
        OPENSSL_cleanse(transfer->body, strlen(transfer->body));
    OPENSSL_cleanse(transfer->kept, transfer->kept_length);
    free(transfer->body);
    free(transfer->kept);
    free(transfer);
}

#define SET(easy, option, value) must(curl_easy_setopt((easy), (option), (value)) == CURLE_OK)

static void set_up_post(struct transfer *transfer)
{
    SET(transfer->easy, CURLOPT_POST, 1L);
    SET(transfer->easy, CURLOPT_POSTFIELDS, transfer->body);
    SET(transfer->easy, CURLOPT_POSTFIELDSIZE, (long)strlen(transfer->body));
}

static void set_up(const struct sender *sender, struct transfer *transfer, const char *url)
{
    CURL *easy = transfer->easy;
    SET(easy, CURLOPT_PRIVATE, transfer);
    SET(easy, CURLOPT_URL, url);
    SET(easy, CURLOPT_PROTOCOLS_STR, sender->options.rules.allows_http ? "https,http" : "https");
    SET(easy, CURLOPT_FOLLOWLOCATION, 0L);
    SET(easy, CURLOPT_PROXY, ""); /* not that of the environment either */
    SET(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    SET(easy, CURLOPT_NOSIGNAL, 1L);
    SET(easy, CURLOPT_QUICK_EXIT, 1L); /* else whose name nobody answers for is waited for when its time is over */
    SET(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(easy, CURLOPT_TIMEOUT_MS, (long)sender->options.timeout_ms);
    SET(easy, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_TIMEOUT_MS);
    SET(easy, CURLOPT_USERAGENT, sender->options.user_agent);
    if (sender->options.ca_file != NULL)
        SET(easy, CURLOPT_CAINFO, sender->options.ca_file);
    SET(easy, CURLOPT_ERRORBUFFER, transfer->error);
    SET(easy, CURLOPT_OPENSOCKETFUNCTION, sender_open_socket);
    SET(easy, CURLOPT_OPENSOCKETDATA, &transfer->gate);
    SET(easy, CURLOPT_HEADERFUNCTION, take_head);
    SET(easy, CURLOPT_HEADERDATA, transfer);
    SET(easy, CURLOPT_WRITEFUNCTION, take_body);
    SET(easy, CURLOPT_WRITEDATA, transfer);
    SET(easy, CURLOPT_HTTPHEADER, transfer->headers);
}

static void add_header(struct transfer *transfer, const char *header)
{
    transfer->headers = curl_slist_append(transfer->headers, header);
    must(transfer->headers != NULL);
}

static void add_body(struct transfer *transfer, const struct sender_request *request)
{
    char type[128];
    must(snprintf(type, sizeof type, "Content-Type: %s", request->content_type) < (int)sizeof type);
    transfer->body = alloc_text(request->body);
    add_header(transfer, type);
    add_header(transfer, "Expect:"); /* no 100-continue: not every receiver knows it */
}

void sender_start(struct sender *sender, const struct sender_request *request, void *context)
{
    struct transfer *transfer = alloc_zero(1, sizeof *transfer);
    transfer->easy = curl_easy_init();
    must(transfer->easy != NULL);
    transfer->context = context;
    transfer->options = &sender->options;
    transfer->kept = alloc_zero(sender->options.body_max + 1, 1);
    transfer->gate.allows_private = sender->options.rules.allows_private;
    if (request->body != NULL)
        add_body(transfer, request);
    for (const char *const *header = request->headers; *header != NULL; header++)
        add_header(transfer, *header);
    set_up(sender, transfer, request->url);
    if (transfer->body != NULL)
        set_up_post(transfer);
    transfer->next = sender->first;
    if (sender->first != NULL)
        sender->first->previous = transfer;
    sender->first = transfer;
    must(curl_multi_add_handle(sender->multi, transfer->easy) == CURLM_OK);
}

/* ---- The ends ---- */

/* An answer that was cut off because it is too long was an answer, unless it is needed whole. */
static bool was_answered(const struct transfer *transfer, CURLcode result)
{
    bool was_cut = result == CURLE_WRITE_ERROR && transfer->body_bytes > ANSWER_BYTES_MAX;
    return result == CURLE_OK || (was_cut && !transfer->options->needs_whole);
}

static void end(struct sender *sender, struct transfer *transfer, CURLcode result)
{
    long status = 0;
    const char *error = NULL;
    (void)curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
    if (transfer->gate.has_refused && result != CURLE_OK)
        error = "the host's address is not a public one";
    else if (!was_answered(transfer, result))
        error = transfer->error[0] == '\0' ? curl_easy_strerror(result) : transfer->error;
    sender->options.ended(transfer->context, error == NULL ? (int)status : 0, error, transfer->kept);
    release(sender, transfer);
}

void sender_poll(struct sender *sender, int wake_fd, int timeout_ms)
{
    struct curl_waitfd wake = {.fd = wake_fd, .events = CURL_WAIT_POLLIN};
    int running = 0, left = 0;
    must(curl_multi_perform(sender->multi, &running) == CURLM_OK);
    must(curl_multi_poll(sender->multi, &wake, 1, timeout_ms, NULL) == CURLM_OK);
    must(curl_multi_perform(sender->multi, &running) == CURLM_OK);
    for (CURLMsg *message = curl_multi_info_read(sender->multi, &left); message != NULL;
         message = curl_multi_info_read(sender->multi, &left)) {
        char *private = NULL;
        must(message->msg == CURLMSG_DONE);
        CURLcode result = message->data.result; /* the message goes with its handle */
        must(curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &private) == CURLE_OK);
        end(sender, (struct transfer *)(void *)private, result);
    }
}

void sender_abort(struct sender *sender)
{
    while (sender->first != NULL)
        release(sender, sender->first);
}

struct sender *sender_new(const struct sender_options *options)
{
    must(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK); /* counted: each is given back */
    struct sender *sender = alloc_zero(1, sizeof *sender);
    sender->options = *options;
    sender->multi = curl_multi_init();
    must(sender->multi != NULL);
    must(curl_multi_setopt(sender->multi, CURLMOPT_MAXCONNECTS, CONNECTIONS_KEPT) == CURLM_OK);
    return sender;
}

void sender_free(struct sender *sender)
{
    if (sender == NULL)
        return;
    sender_abort(sender);
    (void)curl_multi_cleanup(sender->multi);
    free(sender);
    curl_global_cleanup();
}
