/* The settings of sluice-api beside those that all daemons have. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/server/settings.h"

#define AT(member) offsetof(struct api_settings, member)

// clang-format off
const struct setting api_settings_table[] = {
    {"listen", SETTING_TEXT, AT(listen), "127.0.0.1:7070", 0, 0, NULL, false, "where the API is reached: host:port on loopback, unix:/path for the TLS proxy (who comes there is believed whom they speak for), or up to four of them with commas between"},
    {"http_threads", SETTING_INT, AT(http_threads), "2", 1, 64, NULL, false, "threads that serve the connections of an address"},
    {"workers", SETTING_INT, AT(workers), "4", 1, 64, NULL, false, "threads that run changes, each with a connection per database role"},
    {"jobs_max", SETTING_INT, AT(jobs_max), "4096", 16, 1000000, NULL, false, "changes that may wait for a thread; beyond: 503 overloaded"},
    {"read_connections", SETTING_INT, AT(read_connections), "2", 1, 64, NULL, false, "connections for reads of one object, and as many for lists, per database role, each with up to 16 reads under way; as many again are opened for statements that hold others up"},
    {"reads_max", SETTING_INT, AT(reads_max), "8192", 16, 1000000, NULL, false, "reads of one object that may wait for their answer, and as many of lists; beyond: 503 overloaded"},
    {"batch_max", SETTING_INT, AT(batch_max), "256", 1, 4096, NULL, false, "reservations committed in one transaction"},
    {"batch_queue_max", SETTING_INT, AT(batch_queue_max), "8192", 16, 1000000, NULL, false, "reservations that may wait for a batch; beyond: 503 overloaded"},
    {"connections_max", SETTING_INT, AT(connections_max), "16384", 16, 100000, NULL, false, "connections of an address at a time"},
    {"requests_per_connection_max", SETTING_INT, AT(requests_per_connection_max), "100000", 1, 1000000000, NULL, false, "requests on one connection; the answer to the last closes it"},
    {"header_timeout_s", SETTING_INT, AT(header_timeout_s), "10", 1, 600, "s", false, "from a connection's or a request's beginning until its headers are there, however steadily they come"},
    {"body_timeout_s", SETTING_INT, AT(body_timeout_s), "30", 1, 3600, "s", false, "the same for the body"},
    {"answer_timeout_s", SETTING_INT, AT(answer_timeout_s), "120", 1, 3600, "s", false, "how long a client may take to read its answer, event streams aside"},
    {"idle_timeout_s", SETTING_INT, AT(idle_timeout_s), "60", 1, 3600, "s", false, "how long a connection may have no request"},
    {"rate_read_per_s", SETTING_INT, AT(rate_read_per_s), "500", 0, 1000000, NULL, false, "reads of a tenant per second, by this replica; 0: no limit"},
    {"rate_write_per_s", SETTING_INT, AT(rate_write_per_s), "100", 0, 1000000, NULL, false, "changes of a tenant per second; 0: no limit"},
    {"rate_report_per_s", SETTING_INT, AT(rate_report_per_s), "10", 0, 1000000, NULL, false, "reports and questions to planners of a tenant per second; 0: no limit"},
    {"rate_unauthenticated_per_s", SETTING_INT, AT(rate_unauthenticated_per_s), "20", 0, 1000000, NULL, false, "requests without a good token of one address (of IPv6, one /64) per second; 0: no limit"},
    {"rate_burst_s", SETTING_INT, AT(rate_burst_s), "10", 1, 3600, "s", false, "seconds' worth of requests that may come at once"},
    {"suspended_max", SETTING_INT, AT(suspended_max), "4096", 0, 100000, NULL, false, "requests that may wait for a verdict; beyond: 202 at once"},
    {"suspended_per_tenant_max", SETTING_INT, AT(suspended_per_tenant_max), "2048", 0, 100000, NULL, false, "the same for one tenant"},
    {"streams_max", SETTING_INT, AT(streams_max), "1024", 0, 100000, NULL, false, "event streams at a time"},
    {"verdict_wait_ms", SETTING_INT, AT(verdict_wait_ms), "2000", 0, 60000, "ms", false, "how long the answer to a new reservation waits for the verdict, unless Prefer says"},
    {"question_wait_ms", SETTING_INT, AT(question_wait_ms), "5000", 100, 30000, "ms", false, "how long a question to a zone's planner waits for its answer (a verification twelve times as long); then: 503 planner_unavailable"},
    {"questions_max", SETTING_INT, AT(questions_max), "512", 1, 100000, NULL, false, "questions to planners that may wait at a time; beyond: 503 overloaded"},
    {"questions_per_tenant_max", SETTING_INT, AT(questions_per_tenant_max), "32", 1, 10000, NULL, false, "the same for one tenant, over all replicas; beyond: 429 too_many_questions"},
    {"statement_timeout_ms", SETTING_INT, AT(statement_timeout_ms), "30000", 100, 600000, "ms", false, "limit on one statement of a change or a list"},
    {"session_lifetime_s", SETTING_INT, AT(session_lifetime_s), "43200", 1, 2592000, "s", false, "how long a browser that signed in stays so, however much it is used"},
    {"session_idle_s", SETTING_INT, AT(session_idle_s), "3600", 1, 2592000, "s", false, "how long a session may be without use before it ends"},
    {"console_dir", SETTING_TEXT, AT(console_dir), "", 0, 0, NULL, false, "folder of the web console's files, served under /console; empty: none"},
    {"cursor_secret", SETTING_TEXT, AT(cursor_secret), "", 0, 0, NULL, true, "signs the cursors of pages; the same for all replicas; empty: drawn at each start"},
    {"cors_origins", SETTING_TEXT, AT(cors_origins), "", 0, 0, NULL, false, "origins whose scripts may call the API, comma-separated, as https://console.example.com; empty: none"},
    {"audit_key_file", SETTING_TEXT, AT(audit_key_file), "", 0, 0, NULL, false, "Ed25519 private key (PEM, mode 0600) that signs checkpoints of the audit's chain; empty: none are written"},
    {"audit_checkpoint_file", SETTING_TEXT, AT(audit_checkpoint_file), "", 0, 0, NULL, false, "file that checkpoints are appended to, better on another disk than the database's; needs audit_key_file"},
    {"audit_checkpoint_s", SETTING_INT, AT(audit_checkpoint_s), "60", 1, 86400, "s", false, "how often a checkpoint is written where rows were sealed meanwhile"},
    {"webhook_key_file", SETTING_TEXT, AT(webhook_key_file), "", 0, 0, NULL, false, "keys that webhooks' secrets are kept with (mode 0600), a line '<id> <base64 of 32 bytes>' each, the first for new ones; the same for all replicas; empty: there are no webhooks"},
    {"webhook_allow_http", SETTING_BOOL, AT(webhook_allow_http), "false", 0, 0, NULL, false, "whether webhooks may lead to http, not to https only"},
    {"webhook_allow_private", SETTING_BOOL, AT(webhook_allow_private), "false", 0, 0, NULL, false, "whether webhooks may lead to loopback, private and link-local addresses: a tenant then reaches what this server reaches"},
    {"webhook_timeout_ms", SETTING_INT, AT(webhook_timeout_ms), "10000", 100, 60000, "ms", false, "limit on one attempt to deliver an event"},
    {"webhook_attempts_max", SETTING_INT, AT(webhook_attempts_max), "16", 1, 100, NULL, false, "how often a delivery is tried before it has failed; with the default waits over about a day"},
    {"webhook_retry_ms", SETTING_INT, AT(webhook_retry_ms), "5000", 1, 3600000, "ms", false, "wait before the second attempt; it doubles with each, up to six hours, less a random part of up to a half"},
    {"webhook_disable_after_s", SETTING_INT, AT(webhook_disable_after_s), "432000", 1, 31536000, "s", false, "how long a webhook may fail without one success before it is disabled"},
    SETTINGS_END,
};
// clang-format on
