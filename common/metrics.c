/* The registry of metrics and its text (Prometheus exposition format 0.0.4). */
/* SPDX-License-Identifier: Apache-2.0 */
#include "common/metrics.h"

#include "common/must.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#define METRICS_MAX            512 /* of all modules of a process */
#define METRIC_FIRST_BUCKET_US 250
#define US_PER_S               1000000

static struct {
    pthread_mutex_t lock;
    struct metric *metrics[METRICS_MAX];
    int count;
} registry = {.lock = PTHREAD_MUTEX_INITIALIZER};

static const char *const type_texts[] = {
    [METRIC_COUNTER] = "counter",
    [METRIC_GAUGE] = "gauge",
    [METRIC_HISTOGRAM] = "histogram",
};

void metric_register(struct metric *const *metrics, int count)
{
    must(pthread_mutex_lock(&registry.lock) == 0);
    must(count >= 0 && count <= METRICS_MAX - registry.count);
    for (int i = 0; i < count; i++)
        registry.metrics[registry.count++] = metrics[i];
    must(pthread_mutex_unlock(&registry.lock) == 0);
}

void metric_add(struct metric *metric, int64_t by)
{
    must(metric->type != METRIC_COUNTER || by >= 0); /* a counter never falls */
    atomic_fetch_add_explicit(&metric->value, by, memory_order_relaxed);
}

void metric_set(struct metric *metric, int64_t value)
{
    must(metric->type == METRIC_GAUGE);
    atomic_store_explicit(&metric->value, value, memory_order_relaxed);
}

static int64_t bucket_limit_us(int bucket)
{
    return (int64_t)METRIC_FIRST_BUCKET_US << bucket;
}

void metric_observe_us(struct metric *metric, int64_t microseconds)
{
    must(metric->type == METRIC_HISTOGRAM);
    int bucket = 0;
    while (bucket < METRIC_BUCKETS && microseconds > bucket_limit_us(bucket))
        bucket++;
    atomic_fetch_add_explicit(&metric->bucket[bucket], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&metric->sum_us, microseconds, memory_order_relaxed);
}

/* Microseconds as seconds, in whole numbers: 0.002500. */
static void write_seconds(FILE *out, int64_t us)
{
    fprintf(out, "%" PRId64 ".%06" PRId64, us / US_PER_S, us % US_PER_S);
}

static void write_help(FILE *out, const struct metric *metric)
{
    fprintf(out, "# HELP %s ", metric->name);
    for (const char *next = metric->help; *next != '\0'; next++) {
        if (*next == '\n' || *next == '\\')
            fputs(*next == '\n' ? "\\n" : "\\\\", out);
        else
            fputc(*next, out);
    }
    fprintf(out, "\n# TYPE %s %s\n", metric->name, type_texts[metric->type]);
}

/* {labels}, or nothing. */
static void write_labels(FILE *out, const struct metric *metric)
{
    if (metric->labels != NULL)
        fprintf(out, "{%s}", metric->labels);
}

/* The count is the sum of the buckets as read, so that the two never contradict each other. */
static void write_histogram(FILE *out, struct metric *metric)
{
    const char *labels = metric->labels != NULL ? metric->labels : "";
    const char *comma = metric->labels != NULL ? "," : "";
    int64_t count = 0;
    for (int i = 0; i <= METRIC_BUCKETS; i++) {
        count += atomic_load_explicit(&metric->bucket[i], memory_order_relaxed);
        fprintf(out, "%s_bucket{%s%sle=\"", metric->name, labels, comma);
        if (i == METRIC_BUCKETS)
            fputs("+Inf", out);
        else
            write_seconds(out, bucket_limit_us(i));
        fprintf(out, "\"} %" PRId64 "\n", count);
    }
    fprintf(out, "%s_sum", metric->name);
    write_labels(out, metric);
    fputc(' ', out);
    write_seconds(out, atomic_load_explicit(&metric->sum_us, memory_order_relaxed));
    fprintf(out, "\n%s_count", metric->name);
    write_labels(out, metric);
    fprintf(out, " %" PRId64 "\n", count);
}

static void write_one(FILE *out, struct metric *metric)
{
    if (metric->type == METRIC_HISTOGRAM) {
        write_histogram(out, metric);
        return;
    }
    fputs(metric->name, out);
    write_labels(out, metric);
    fprintf(out, " %" PRId64 "\n", atomic_load_explicit(&metric->value, memory_order_relaxed));
}

static bool named_before(int index)
{
    for (int i = 0; i < index; i++) {
        if (strcmp(registry.metrics[i]->name, registry.metrics[index]->name) == 0)
            return true;
    }
    return false;
}

/* Metrics of one name stand together under one HELP, wherever they were registered, as the format demands. */
void metrics_write(FILE *out)
{
    must(pthread_mutex_lock(&registry.lock) == 0);
    for (int i = 0; i < registry.count; i++) {
        if (named_before(i))
            continue;
        write_help(out, registry.metrics[i]);
        for (int k = i; k < registry.count; k++) {
            if (strcmp(registry.metrics[k]->name, registry.metrics[i]->name) == 0)
                write_one(out, registry.metrics[k]);
        }
    }
    must(pthread_mutex_unlock(&registry.lock) == 0);
}
