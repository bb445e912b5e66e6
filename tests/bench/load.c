/* A load generator for the API: keep-alive connections over one epoll loop, each with one request under way.
 *
 * Closed loop: a connection sends its next request when the last one is answered, so that the latency is connections / rate, whatever
 * the server does. With --rate the requests are due at equal distances instead, the first free connection sends them, and
 * latency counts from when a request was due: one that had to wait for a connection is not counted as fast. What is due
 * within a millisecond is sent at its end: waking for each takes 10 of 175 us a create from the server, which runs on
 * the same processors.
 *
 * Loopback only, bounded in time and count. In the path, a header or the body, "{n}" becomes a number that no other
 * request of the run has, so that each create is its own, and "{from}" and "{until}" a window of --window-hours (1), from
 * another hour of the year behind --window-base for each n, so that the fleet does not fill up at once. Prints requests/s, p50, p99
 * and the answers by status.
 *
 *     load --port 7070 --connections 64 --seconds 5 --method POST --path /v1/reservations
 *          --header "Authorization: Bearer ..." --body '{"name": "b-{n}", ...}' [--rate 5000] [--json] */
/* SPDX-License-Identifier: Apache-2.0 */
#include "common/alloc.h"
#include "common/cleanup.h"
#include "common/must.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CONNECTIONS_MAX     10000
#define SECONDS_MAX         120
#define RATE_MAX            1000000
#define TICK_NS             INT64_C(1000000)
#define DRAIN_S             5 /* what is under way when the time is over is waited for, where requests are due at a rate */
#define HEADERS_MAX         16
#define HOURS_OF_YEAR       8760
#define REQUEST_SIZE_MAX    16384
#define ANSWER_SIZE_MAX     1048576
#define LATENCY_SAMPLES_MAX 8000000

struct options {
    uint16_t port;
    int connections;
    int seconds;
    int64_t rate; /* requests due per second; 0: a closed loop */
    const char *method, *path, *body;
    const char *headers[HEADERS_MAX];
    int header_count;
    int64_t window_base_s; /* seconds since the Unix epoch */
    int64_t window_hours;
    bool json;
    bool is_fixed; /* without a placeholder: every request is the same, and is made once for each connection */
};

struct connection {
    int fd;
    bool is_idle;      /* it has no request under way */
    int64_t due_at_ns; /* when its request was due: sent then, or later if no connection was free */
    size_t request_length, request_sent;
    size_t answer_length, answer_wanted; /* wanted: 0 until the head is there */
    char request[REQUEST_SIZE_MAX];
    char *answer;
};

struct tally {
    int64_t answers;
    int64_t elapsed_ns; /* from the first request until the last answer that counts */
    int64_t by_status[600];
    int64_t broken; /* connections that died */
    uint32_t *latency_us;
    size_t samples;
};

static int64_t now_ns(void)
{
    struct timespec at;
    (void)clock_gettime(CLOCK_MONOTONIC, &at); /* cannot fail for this clock */
    return (int64_t)at.tv_sec * 1000000000 + at.tv_nsec;
}

static size_t print_instant(char *to, size_t size, int64_t seconds)
{
    struct tm at;
    time_t time = (time_t)seconds;
    must(gmtime_r(&time, &at) != NULL);
    return strftime(to, size, "%Y-%m-%dT%H:%M:%SZ", &at);
}

/* What stands for text's first characters where they are a placeholder; *used is its length there, 0 where they are none. */
static size_t substitute(const struct options *options, const char *text, int64_t n, char *to, size_t size,
                         size_t *used)
{
    int64_t hour_s = options->window_base_s + (n % HOURS_OF_YEAR) * 3600;
    *used = 0;
    if (strncmp(text, "{n}", 3) == 0) {
        *used = 3;
        return (size_t)snprintf(to, size, "%" PRId64, n);
    }
    if (strncmp(text, "{from}", 6) == 0) {
        *used = 6;
        return print_instant(to, size, hour_s);
    }
    if (strncmp(text, "{until}", 7) == 0) {
        *used = 7;
        return print_instant(to, size, hour_s + 3600 * options->window_hours);
    }
    return 0;
}

/* Copies text to `to` with the placeholders replaced; must fit. Returns the end. */
static char *expand(const struct options *options, char *to, const char *limit, const char *text, int64_t n)
{
    while (*text != 0) {
        must(to + 32 < limit);
        size_t used = 0;
        size_t length = *text == '{' ? substitute(options, text, n, to, 32, &used) : 0;
        if (used == 0)
            *to++ = *text++;
        to += length;
        text += used;
    }
    *to = 0;
    return to;
}

static bool has_placeholder(const struct options *options)
{
    bool has = strchr(options->path, '{') != NULL || (options->body != NULL && strchr(options->body, '{') != NULL);
    for (int i = 0; i < options->header_count; i++)
        has = has || strchr(options->headers[i], '{') != NULL;
    return has;
}

static void write_request(const struct options *options, struct connection *connection, int64_t n)
{
    char body[REQUEST_SIZE_MAX / 2] = "";
    size_t body_length = 0;
    if (options->body != NULL)
        body_length = (size_t)(expand(options, body, body + sizeof body, options->body, n) - body);

    char *to = connection->request, *limit = to + sizeof connection->request;
    to += snprintf(to, (size_t)(limit - to), "%s ", options->method);
    to = expand(options, to, limit, options->path, n);
    to += snprintf(to, (size_t)(limit - to), " HTTP/1.1\r\nHost: 127.0.0.1\r\n");
    for (int i = 0; i < options->header_count; i++) {
        to = expand(options, to, limit, options->headers[i], n);
        to += snprintf(to, (size_t)(limit - to), "\r\n");
    }
    if (options->body != NULL)
        to += snprintf(to, (size_t)(limit - to), "Content-Type: application/json\r\nContent-Length: %zu\r\n",
                       body_length);
    to += snprintf(to, (size_t)(limit - to), "\r\n%s", body);
    connection->request_length = (size_t)(to - connection->request);
}

static void prepare(const struct options *options, struct connection *connection, int64_t n, int64_t due_at_ns)
{
    if (!options->is_fixed || connection->request_length == 0)
        write_request(options, connection, n);
    connection->request_sent = 0;
    connection->answer_length = 0;
    connection->answer_wanted = 0;
    connection->due_at_ns = due_at_ns;
}

static bool write_more(struct connection *connection)
{
    while (connection->request_sent < connection->request_length) {
        ssize_t n = send(connection->fd, connection->request + connection->request_sent,
                         connection->request_length - connection->request_sent, MSG_NOSIGNAL);
        if (n < 0)
            return errno == EAGAIN;
        connection->request_sent += (size_t)n;
    }
    return true;
}

/* The length of the whole answer once its head is there; 0 while it is not. The server writes the name of the header
 * as it stands here: to look for it in any case costs more than all else. */
static size_t answer_wants(const struct connection *connection)
{
    static const char name[] = "\r\nContent-Length:";
    const char *head_end = memmem(connection->answer, connection->answer_length, "\r\n\r\n", 4);
    if (head_end == NULL)
        return 0;
    size_t head = (size_t)(head_end - connection->answer) + 4;
    const char *length = memmem(connection->answer, head, name, strlen(name));
    return length == NULL ? head : head + strtoul(length + strlen(name), NULL, 10);
}

/* Reads what is there. Returns 1 when the answer is whole, 0 when not yet, -1 when the connection is gone. */
static int read_more(struct connection *connection)
{
    for (;;) {
        ssize_t n = recv(connection->fd, connection->answer + connection->answer_length,
                         ANSWER_SIZE_MAX - 1 - connection->answer_length, 0);
        if (n == 0)
            return -1;
        if (n < 0)
            return errno == EAGAIN ? 0 : -1;
        connection->answer_length += (size_t)n;
        connection->answer[connection->answer_length] = 0;
        if (connection->answer_wanted == 0)
            connection->answer_wanted = answer_wants(connection);
        if (connection->answer_wanted > 0 && connection->answer_length >= connection->answer_wanted)
            return 1;
        if (connection->answer_length + 1 >= ANSWER_SIZE_MAX)
            return -1;
    }
}

static bool open_connection(const struct options *options, struct connection *connection)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(options->port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int yes = 1;
    if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0 ||
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes) != 0) {
        (void)close(fd); /* the failure to connect is what counts */
        return false;
    }
    connection->fd = fd;
    return true;
}

static void record(struct tally *tally, const struct connection *connection)
{
    int status = connection->answer_length > 12 ? (int)strtol(connection->answer + 9, NULL, 10) : 0;
    tally->by_status[status >= 0 && status < 600 ? status : 0]++;
    tally->answers++;
    if (tally->samples < LATENCY_SAMPLES_MAX)
        tally->latency_us[tally->samples++] = (uint32_t)((now_ns() - connection->due_at_ns) / 1000);
}

/* What runs: the connections, those of them that have nothing under way (a ring: the one that waited longest is next, so that all
 * are in use at any rate), and when the next request is due. */
struct run {
    const struct options *options;
    struct tally *tally;
    struct connection *connections;
    struct connection **idle;
    int idle_first, idle_count;
    int poller;
    int64_t next; /* the number of the next request */
    int64_t start_ns, end_ns, due_at_ns;
};

static bool is_paced(const struct run *run)
{
    return run->options->rate > 0;
}

static void put_idle(struct run *run, struct connection *connection)
{
    connection->is_idle = true;
    run->idle[(run->idle_first + run->idle_count++) % run->options->connections] = connection;
}

static struct connection *take_idle(struct run *run)
{
    struct connection *connection = run->idle[run->idle_first];
    run->idle_first = (run->idle_first + 1) % run->options->connections;
    run->idle_count--;
    connection->is_idle = false;
    return connection;
}

static void watch(const struct run *run, struct connection *connection)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
    must(epoll_ctl(run->poller, EPOLL_CTL_ADD, connection->fd, &event) == 0);
}

static void start_request(struct run *run, struct connection *connection, int64_t due_at_ns)
{
    prepare(run->options, connection, run->next++, due_at_ns);
    must(write_more(connection));
}

/* What came in on one connection: an answer that is whole is counted, and the connection is free for the next request. One that the
 * server closed while it was free already is only opened anew. */
static void receive(struct run *run, struct connection *connection)
{
    int state = read_more(connection);
    if (state == 0)
        return;
    bool was_idle = connection->is_idle;
    if (state == 1) {
        record(run->tally, connection);
    } else {
        run->tally->broken += was_idle ? 0 : 1;
        (void)close(connection->fd);
        must(open_connection(run->options, connection)); /* the server is gone: nothing to measure */
        watch(run, connection);
    }
    if (!was_idle)
        put_idle(run, connection);
}

/* Sends what is due on the connections that are free; at a rate, also after the end what was due before it. */
static void send_due(struct run *run)
{
    int64_t now = now_ns();
    while (run->idle_count > 0) {
        int64_t due_at_ns = is_paced(run) ? run->due_at_ns : now;
        if (due_at_ns > now || due_at_ns >= run->end_ns)
            return;
        start_request(run, take_idle(run), due_at_ns);
        if (is_paced(run))
            run->due_at_ns += INT64_C(1000000000) / run->options->rate;
    }
}

/* Until something can be done: an answer came, or a request is due and a connection is free for it. */
static int wait_for_answers(const struct run *run, struct epoll_event *events, int count)
{
    int64_t until_ns = run->end_ns + (is_paced(run) ? INT64_C(1000000000) * DRAIN_S : 0);
    if (is_paced(run) && run->idle_count > 0 && run->due_at_ns < run->end_ns)
        until_ns = run->due_at_ns + TICK_NS - (run->due_at_ns - run->start_ns) % TICK_NS;
    int64_t left_ns = until_ns - now_ns();
    struct timespec left = {.tv_sec = left_ns > 0 ? left_ns / 1000000000 : 0,
                            .tv_nsec = left_ns > 0 ? left_ns % 1000000000 : 0};
    return epoll_pwait2(run->poller, events, count, &left, NULL);
}

static bool is_over(const struct run *run)
{
    int64_t now = now_ns();
    if (!is_paced(run))
        return now >= run->end_ns;
    bool is_drained = run->idle_count == run->options->connections && run->due_at_ns >= run->end_ns;
    return is_drained || now >= run->end_ns + INT64_C(1000000000) * DRAIN_S;
}

static void open_all(struct run *run)
{
    for (int i = 0; i < run->options->connections; i++) {
        struct connection *connection = &run->connections[i];
        connection->answer = alloc_zero(1, ANSWER_SIZE_MAX);
        if (!open_connection(run->options, connection)) {
            fprintf(stderr, "load: cannot connect to 127.0.0.1:%u: %s\n", run->options->port, strerror(errno));
            exit(1);
        }
        watch(run, connection);
        put_idle(run, connection);
    }
}

static void measure(const struct options *options, struct tally *tally)
{
    struct run run = {.options = options, .tally = tally, .poller = epoll_create1(EPOLL_CLOEXEC)};
    must(run.poller >= 0);
    run.connections = alloc_zero((size_t)options->connections, sizeof *run.connections);
    run.idle = alloc_zero((size_t)options->connections, sizeof *run.idle);
    /* Numbers of different runs differ too, so that a second run meets no name of the first. */
    run.next = (int64_t)time(NULL) * 100000000;
    open_all(&run);
    run.start_ns = run.due_at_ns = now_ns();
    run.end_ns = run.start_ns + (int64_t)options->seconds * 1000000000;
    while (!is_over(&run)) {
        send_due(&run);
        struct epoll_event events[256];
        int count = wait_for_answers(&run, events, COUNT_OF(events));
        for (int i = 0; i < count; i++)
            receive(&run, events[i].data.ptr);
    }
    tally->elapsed_ns = now_ns() - run.start_ns;
    for (int i = 0; i < options->connections; i++) {
        (void)close(run.connections[i].fd);
        free(run.connections[i].answer);
    }
    free(run.idle);
    free(run.connections);
    (void)close(run.poller);
}

static int by_value(const void *a, const void *b)
{
    uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
    return left < right ? -1 : left > right;
}

static void print(const struct options *options, struct tally *tally)
{
    qsort(tally->latency_us, tally->samples, sizeof *tally->latency_us, by_value);
    double p50 = tally->samples > 0 ? tally->latency_us[tally->samples / 2] / 1000.0 : 0;
    double p99 = tally->samples > 0 ? tally->latency_us[tally->samples * 99 / 100] / 1000.0 : 0;
    int64_t rate = (int64_t)((double)tally->answers * 1e9 / (double)tally->elapsed_ns);
    if (options->json) {
        printf("{\"requests_per_s\": %" PRId64
               ", \"p50_ms\": %.2f, \"p99_ms\": %.2f, \"connections\": %d, \"broken\": %" PRId64 ", \"status\": {",
               rate, p50, p99, options->connections, tally->broken);
    } else {
        printf("%" PRId64 " requests/s, p50 %.2f ms, p99 %.2f ms, %d connections, %" PRId64 " broken; answers:", rate,
               p50, p99, options->connections, tally->broken);
    }
    bool first = true;
    for (int status = 0; status < 600; status++) {
        if (tally->by_status[status] == 0)
            continue;
        printf(options->json ? "%s\"%d\": %" PRId64 : "%s %d x %" PRId64, options->json && !first ? ", " : "", status,
               tally->by_status[status]);
        first = false;
    }
    puts(options->json ? "}}" : "");
}

static int64_t bounded(const char *name, const char *text, int64_t least, int64_t most)
{
    char *end = NULL;
    errno = 0;
    int64_t value = strtoll(text, &end, 10);
    if (errno == 0 && end != text && *end == 0 && value >= least && value <= most)
        return value;
    fprintf(stderr, "load: --%s must be a whole number from %" PRId64 " to %" PRId64 "\n", name, least, most);
    exit(2);
}

static struct options parse(int argc, char **argv)
{
    static const struct option known[] = {
        {"port", required_argument, NULL, 'p'},        {"connections", required_argument, NULL, 'c'},
        {"seconds", required_argument, NULL, 's'},     {"method", required_argument, NULL, 'm'},
        {"path", required_argument, NULL, 'u'},        {"body", required_argument, NULL, 'b'},
        {"header", required_argument, NULL, 'h'},      {"json", no_argument, NULL, 'j'},
        {"window-base", required_argument, NULL, 'w'}, {"window-hours", required_argument, NULL, 'l'},
        {"rate", required_argument, NULL, 'r'},        {0},
    };
    struct options options = {
        .connections = 64, .seconds = 5, .method = "GET", .path = "/v1/me", .port = 7070, .window_hours = 1};
    int chosen;
    while ((chosen = getopt_long(argc, argv, "", known, NULL)) != -1) {
        if (chosen == 'p')
            options.port = (uint16_t)bounded("port", optarg, 1, 65535);
        else if (chosen == 'c')
            options.connections = (int)bounded("connections", optarg, 1, CONNECTIONS_MAX);
        else if (chosen == 's')
            options.seconds = (int)bounded("seconds", optarg, 1, SECONDS_MAX);
        else if (chosen == 'm')
            options.method = optarg;
        else if (chosen == 'u')
            options.path = optarg;
        else if (chosen == 'b')
            options.body = optarg;
        else if (chosen == 'w')
            options.window_base_s = bounded("window-base", optarg, 0, INT64_C(4000000000));
        else if (chosen == 'l')
            options.window_hours = bounded("window-hours", optarg, 1, 8760);
        else if (chosen == 'r')
            options.rate = bounded("rate", optarg, 1, RATE_MAX);
        else if (chosen == 'j')
            options.json = true;
        else if (chosen == 'h' && options.header_count < HEADERS_MAX)
            options.headers[options.header_count++] = optarg;
        else
            exit(2);
    }
    return options;
}

int main(int argc, char **argv)
{
    struct options options = parse(argc, argv);
    options.is_fixed = !has_placeholder(&options);
    struct tally tally = {.latency_us = alloc_zero(LATENCY_SAMPLES_MAX, sizeof(uint32_t))};
    measure(&options, &tally);
    print(&options, &tally);
    free(tally.latency_us);
    return tally.answers > 0 ? 0 : 1;
}
