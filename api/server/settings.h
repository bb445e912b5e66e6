/* What sluice-api can be told: see the table in settings.c, --help, and docs/api.md. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/config.h"

struct api_settings {
    char *listen;
    int64_t http_threads;
    int64_t workers;
    int64_t jobs_max;
    int64_t read_connections;
    int64_t reads_max;
    int64_t batch_max;
    int64_t batch_queue_max;
    int64_t connections_max;
    int64_t requests_per_connection_max;
    int64_t header_timeout_s;
    int64_t body_timeout_s;
    int64_t answer_timeout_s;
    int64_t idle_timeout_s;
    int64_t body_memory_mib;
    int64_t rate_read_per_s;
    int64_t rate_write_per_s;
    int64_t rate_report_per_s;
    int64_t rate_unauthenticated_per_s;
    int64_t rate_burst_s;
    int64_t suspended_max;
    int64_t suspended_per_tenant_max;
    int64_t streams_max, streams_per_tenant_max;
    int64_t verdict_wait_ms;
    int64_t question_wait_ms;
    int64_t questions_max;
    int64_t questions_per_tenant_max;
    int64_t statement_timeout_ms;
    int64_t session_lifetime_s;
    int64_t session_idle_s;
    char *sign_in_issuer;
    char *sign_in_client_id;
    char *sign_in_client_secret;
    char *sign_in_scopes;
    char *sign_in_rules_file;
    int64_t sign_in_lifetime_max_s;
    char *workload_issuer;
    char *workload_audience;
    char *workload_rules_file;
    int64_t workload_lifetime_max_s;
    char *issuer_ca_file;
    int64_t issuer_timeout_ms;
    int64_t issuer_refresh_s;
    int64_t issuer_skew_s;
    char *console_dir;
    char *cursor_secret;
    char *cors_origins;
    char *audit_key_file;
    char *audit_checkpoint_file;
    int64_t audit_checkpoint_s;
    char *webhook_key_file;
    bool webhook_allow_http;
    bool webhook_allow_private;
    int64_t webhook_timeout_ms;
    int64_t webhook_attempts_max;
    int64_t webhook_retry_ms;
    int64_t webhook_disable_after_s;
};

extern const struct setting api_settings_table[]; /* offsets within struct api_settings */
