/* Prometheus metrics: static tables of counters, gauges and histograms; lock-free to bump, text to read. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>

enum metric_type { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };
#define METRIC_BUCKETS 14 /* 0.25 ms to 2 s, doubling, and +Inf */

struct metric {
    const char *name; /* sluice_..., unit last: _seconds, _bytes, _total */
    enum metric_type type;
    const char *labels; /* "zone=\"a\"" or NULL */
    const char *help;
    _Atomic int64_t value;
    _Atomic int64_t bucket[METRIC_BUCKETS + 1];
    _Atomic int64_t sum_us;
};

/* Metrics live in static storage of their module; registering makes them visible. */
void metric_register(struct metric *const *metrics, int count);
void metric_add(struct metric *metric, int64_t by);
void metric_set(struct metric *metric, int64_t value);
void metric_observe_us(struct metric *metric, int64_t microseconds);
/* The exposition format of all registered metrics. */
void metrics_write(FILE *out);
