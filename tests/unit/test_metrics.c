/* What metrics promise: the exposition format, families together, buckets that add up. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "common/metrics.h"
#include "tests/unit/suite.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static struct metric total_a = {
    .name = "sluice_requests_total", .type = METRIC_COUNTER, .labels = "zone=\"a\"", .help = "Requests"};
static struct metric total_b = {
    .name = "sluice_requests_total", .type = METRIC_COUNTER, .labels = "zone=\"b\"", .help = "Requests"};
static struct metric queue = {.name = "sluice_queue_length", .type = METRIC_GAUGE, .help = "Waiting\nnow"};
static struct metric latency = {.name = "sluice_latency_seconds", .type = METRIC_HISTOGRAM, .help = "How long"};

static char *exposition(void)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    ck_assert_ptr_nonnull(out);
    metrics_write(out);
    fclose(out);
    return text;
}

static void *add_many(void *context)
{
    for (int i = 0; i < 10000; i++)
        metric_add(context, 1);
    return NULL;
}

START_TEST(the_text_is_prometheus_exposition_format)
{
    metric_register((struct metric *const[]){&total_a, &queue}, 2);
    metric_register((struct metric *const[]){&total_b, &latency}, 2);
    metric_add(&total_a, 2);
    metric_add(&total_b, 3);
    metric_set(&queue, -1);
    metric_observe_us(&latency, 250);     /* the first bucket, its limit included */
    metric_observe_us(&latency, 251);     /* the second */
    metric_observe_us(&latency, 9000000); /* beyond the last */
    char *text = exposition();
    static const char begin[] = "# HELP sluice_requests_total Requests\n"
                                "# TYPE sluice_requests_total counter\n"
                                "sluice_requests_total{zone=\"a\"} 2\n"
                                "sluice_requests_total{zone=\"b\"} 3\n"
                                "# HELP sluice_queue_length Waiting\\nnow\n"
                                "# TYPE sluice_queue_length gauge\n"
                                "sluice_queue_length -1\n"
                                "# HELP sluice_latency_seconds How long\n"
                                "# TYPE sluice_latency_seconds histogram\n"
                                "sluice_latency_seconds_bucket{le=\"0.000250\"} 1\n"
                                "sluice_latency_seconds_bucket{le=\"0.000500\"} 2\n";
    static const char end[] = "sluice_latency_seconds_bucket{le=\"2.048000\"} 2\n"
                              "sluice_latency_seconds_bucket{le=\"+Inf\"} 3\n"
                              "sluice_latency_seconds_sum 9.000501\n"
                              "sluice_latency_seconds_count 3\n";
    ck_assert_msg(strncmp(text, begin, strlen(begin)) == 0, "%s", text);
    ck_assert_msg(strcmp(text + strlen(text) - strlen(end), end) == 0, "%s", text);
    free(text);
}
END_TEST

START_TEST(bumps_of_many_threads_are_all_counted)
{
    static struct metric shared = {.name = "sluice_shared_total", .type = METRIC_COUNTER, .help = "Shared"};
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, add_many, &shared), 0);
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    ck_assert_int_eq(shared.value, 40000);
}
END_TEST

Suite *unit_suite(void)
{
    TCase *tests = tcase_create("metrics");
    tcase_add_test(tests, the_text_is_prometheus_exposition_format);
    tcase_add_test(tests, bumps_of_many_threads_are_all_counted);
    Suite *suite = suite_create("metrics");
    suite_add_tcase(suite, tests);
    return suite;
}
