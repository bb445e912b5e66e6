/* The table of nouns: what of each is shown. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/cli/noun.h"

// clang-format off
static const struct column reservation_columns[] = {
    {"ID",           "id",              NULL,        text_of_value, .right = false},
    {"TENANT",       "tenant",          NULL,        text_of_value, .optional = true},
    {"NAME",         "name",            NULL,        text_of_value, .optional = true},
    {"STATE",        "status.state",    NULL,        text_of_value, .right = false},
    {"HEALTH",       "status.health",   NULL,        text_of_value, .optional = true},
    {"COUNT",        "count",           NULL,        text_of_value, .right = true},
    {"WHAT",         "",                NULL,        text_of_what,  .right = false},
    {"ZONE",         "zone",            NULL,        text_of_value, .right = false},
    {"STARTS (UTC)", "status.starts_at", "starts_at", text_of_time, .right = false},
    {"ENDS (UTC)",   "status.ends_at",  "ends_at",   text_of_time,  .right = false},
    {"REASON",       "status.reason",   NULL,        text_of_value, .optional = true},
    COLUMNS_END,
};

static const struct column reservation_details[] = {
    {.title = "id",           .path = "id",                     .text = text_of_value},
    {.title = "tenant",       .path = "tenant",                 .text = text_of_value},
    {.title = "name",         .path = "name",                   .text = text_of_value},
    {.title = "project",      .path = "project",                .text = text_of_value},
    {.title = "state",        .path = "status.state",           .text = text_of_value},
    {.title = "health",       .path = "status.health",          .text = text_of_value},
    {.title = "reason",       .path = "status.reason",          .text = text_of_value},
    {.title = "count",        .path = "count",                  .text = text_of_value},
    {.title = "delivered",    .path = "status.delivered_count", .text = text_of_value},
    {.title = "what",         .path = "",                       .text = text_of_what},
    {.title = "zone",         .path = "zone",                   .text = text_of_value},
    {.title = "within",       .path = "placement.within",       .text = text_of_value},
    {.title = "spread",       .path = "placement.spread",       .text = text_of_value},
    {.title = "tier",         .path = "tier",                   .text = text_of_value},
    {.title = "starts (UTC)", .path = "status.starts_at", .otherwise = "starts_at", .text = text_of_time},
    {.title = "ends (UTC)",   .path = "status.ends_at",   .otherwise = "ends_at",   .text = text_of_time},
    {.title = "decided (UTC)", .path = "status.decided_at",     .text = text_of_time},
    {.title = "labels",       .path = "labels",                 .text = text_of_value},
    {.title = "charge",       .path = "charge",                 .text = text_of_money},
    {.title = "cost delta",   .path = "cost_delta",             .text = text_of_money},
    COLUMNS_END,
};

static const struct column quote_columns[] = {
    {"ID",                "id",               NULL,        text_of_value, .right = false},
    {"TENANT",            "tenant",           NULL,        text_of_value, .optional = true},
    {"NAME",              "name",             NULL,        text_of_value, .optional = true},
    {"STATE",             "status.state",     NULL,        text_of_value, .right = false},
    {"HOLDS UNTIL (UTC)", "hold_until",       NULL,        text_of_time,  .right = false},
    {"COUNT",             "count",            NULL,        text_of_value, .right = true},
    {"WHAT",              "",                 NULL,        text_of_what,  .right = false},
    {"ZONE",              "zone",             NULL,        text_of_value, .right = false},
    {"STARTS (UTC)",      "status.starts_at", "starts_at", text_of_time,  .right = false},
    {"ENDS (UTC)",        "status.ends_at",   "ends_at",   text_of_time,  .right = false},
    {"RESERVATION",       "reservation",      NULL,        text_of_value, .optional = true},
    COLUMNS_END,
};

static const struct column quote_details[] = {
    {.title = "id",           .path = "id",                     .text = text_of_value},
    {.title = "name",         .path = "name",                   .text = text_of_value},
    {.title = "project",      .path = "project",                .text = text_of_value},
    {.title = "state",        .path = "status.state",           .text = text_of_value},
    {.title = "reason",       .path = "status.reason",          .text = text_of_value},
    {.title = "holds until (UTC)", .path = "hold_until",        .text = text_of_time},
    {.title = "reservation",  .path = "reservation",            .text = text_of_value},
    {.title = "an hour",      .path = "price.hourly",           .text = text_of_money},
    {.title = "estimate",     .path = "price.estimate",         .text = text_of_money},
    {.title = "count",        .path = "count",                  .text = text_of_value},
    {.title = "what",         .path = "",                       .text = text_of_what},
    {.title = "zone",         .path = "zone",                   .text = text_of_value},
    {.title = "within",       .path = "placement.within",       .text = text_of_value},
    {.title = "spread",       .path = "placement.spread",       .text = text_of_value},
    {.title = "tier",         .path = "tier",                   .text = text_of_value},
    {.title = "starts (UTC)", .path = "status.starts_at", .otherwise = "starts_at", .text = text_of_time},
    {.title = "ends (UTC)",   .path = "status.ends_at",   .otherwise = "ends_at",   .text = text_of_time},
    {.title = "labels",       .path = "labels",                 .text = text_of_value},
    COLUMNS_END,
};

const struct column instance_of_reservation_columns[] = {
    {"INSTANCE", "id",      NULL, text_of_value, .right = false},
    {"ORDINAL",  "ordinal", NULL, text_of_value, .right = true},
    {"STATE",    "state",   NULL, text_of_value, .right = false},
    {"ADDRESS",  "address", NULL, text_of_value, .right = false},
    COLUMNS_END,
};

static const struct column instance_columns[] = {
    {"ID",           "id",          NULL,             text_of_value, .right = false},
    {"RESERVATION",  "reservation", "reservation_id", text_of_value, .right = false},
    {"ORDINAL",      "ordinal",     NULL,             text_of_value, .right = true},
    {"STATE",        "state",       NULL,             text_of_value, .right = false},
    {"NODE",         "node",        NULL,             text_of_value, .optional = true},
    {"ADDRESS",      "address",     NULL,             text_of_value, .optional = true},
    {"STARTS (UTC)", "starts_at",   NULL,             text_of_time,  .optional = true},
    {"ENDS (UTC)",   "ends_at",     NULL,             text_of_time,  .optional = true},
    COLUMNS_END,
};

static const struct column node_columns[] = {
    {"NAME",      "name",                       NULL, text_of_value, .right = false},
    {"STATE",     "status.state",               NULL, text_of_value, .right = false},
    {"ZONE",      "zone",                       NULL, text_of_value, .right = false},
    {"FABRIC",    "fabric",                     NULL, text_of_value, .right = false},
    {"RACK",      "rack",                       NULL, text_of_value, .right = false},
    {"MODEL",     "gpu_model",                  NULL, text_of_value, .right = false},
    {"GPUS",      "gpu_count",                  NULL, text_of_value, .right = true},
    {"ALLOCATED", "status.allocated_gpu_milli", NULL, text_of_milli, .right = true},
    {"CORDONED",  "cordon_reason",              NULL, text_of_value, .optional = true},
    {"DRAINED",   "drain_reason",               NULL, text_of_value, .optional = true},
    {"ERROR",     "status.last_error",          NULL, text_of_value, .optional = true},
    {"ID",        "id",                         NULL, text_of_value, .right = false},
    COLUMNS_END,
};

static const struct column invoice_columns[] = {
    {"NUMBER",       "number",       NULL, text_of_value, .right = false},
    {"TENANT",       "tenant",       NULL, text_of_value, .optional = true},
    {"FROM (UTC)",   "period_start", NULL, text_of_time,  .right = false},
    {"TO (UTC)",     "period_end",   NULL, text_of_time,  .right = false},
    {"NET",          "net",          NULL, text_of_money, .right = true},
    {"TAX",          "tax",          NULL, text_of_money, .right = true},
    {"TOTAL",        "total",        NULL, text_of_money, .right = true},
    {"STATUS",       "status",       NULL, text_of_value, .right = false},
    {"ISSUED (UTC)", "issued_at",    NULL, text_of_time,  .right = false},
    {"ID",           "id",           NULL, text_of_value, .right = false},
    COLUMNS_END,
};

static const struct column invoice_details[] = {
    {.title = "number",       .path = "number",       .text = text_of_value},
    {.title = "id",           .path = "id",           .text = text_of_value},
    {.title = "tenant",       .path = "tenant",       .text = text_of_value},
    {.title = "from (UTC)",   .path = "period_start", .text = text_of_time},
    {.title = "to (UTC)",     .path = "period_end",   .text = text_of_time},
    {.title = "net",          .path = "net",          .text = text_of_money},
    {.title = "tax",          .path = "tax",          .text = text_of_money},
    {.title = "total",        .path = "total",        .text = text_of_money},
    {.title = "status",       .path = "status",       .text = text_of_value},
    {.title = "issued (UTC)", .path = "issued_at",    .text = text_of_time},
    COLUMNS_END,
};

static const struct column quota_columns[] = {
    {"TENANT",            "tenant",               NULL, text_of_value, .optional = true},
    {"ZONE",              "zone",                 NULL, text_of_value, .right = false},
    {"PROJECT",           "project",              NULL, text_of_value, .right = false},
    {"MODEL",             "gpu_model",            NULL, text_of_value, .right = false},
    {"PEAK GPUS",         "peak_gpu_milli",       NULL, text_of_milli, .right = true},
    {"HELD NOW",          "held_gpu_milli",       NULL, text_of_milli, .right = true},
    {"HELD PEAK",         "held_peak_gpu_milli",  NULL, text_of_milli, .right = true},
    {"MONTH (GPU-HOURS)", "month_gpu_hours",      NULL, text_of_value, .right = true},
    {"HELD THIS MONTH",   "held_month_gpu_hours", NULL, text_of_value, .right = true},
    COLUMNS_END,
};

const struct column amendment_details[] = {
    {.title = "id",            .path = "id",              .text = text_of_value},
    {.title = "reservation",   .path = "reservation",     .text = text_of_value},
    {.title = "state",         .path = "state",           .text = text_of_value},
    {.title = "reason",        .path = "reason",          .text = text_of_value},
    {.title = "count",         .path = "terms.count",     .text = text_of_value},
    {.title = "starts (UTC)",  .path = "terms.starts_at", .text = text_of_time},
    {.title = "ends (UTC)",    .path = "terms.ends_at",   .text = text_of_time},
    {.title = "decided (UTC)", .path = "decided_at",      .text = text_of_time},
    {.title = "cost delta",    .path = "cost_delta",      .text = text_of_money},
    COLUMNS_END,
};

const struct column instance_action_columns[] = {
    {"ACTION",         "action",       NULL, text_of_value, .right = false},
    {"STATE",          "state",        NULL, text_of_value, .right = false},
    {"REASON",         "reason",       NULL, text_of_value, .right = false},
    {"ASKED (UTC)",    "requested_at", NULL, text_of_time,  .right = false},
    {"BY",             "requested_by", NULL, text_of_value, .right = false},
    {"FINISHED (UTC)", "finished_at",  NULL, text_of_time,  .right = false},
    {"ID",             "id",           NULL, text_of_value, .right = false},
    COLUMNS_END,
};

const struct column instance_action_details[] = {
    {.title = "id",          .path = "id",           .text = text_of_value},
    {.title = "instance",    .path = "instance",     .text = text_of_value},
    {.title = "action",      .path = "action",       .text = text_of_value},
    {.title = "state",       .path = "state",        .text = text_of_value},
    {.title = "asked (UTC)", .path = "requested_at", .text = text_of_time},
    COLUMNS_END,
};

static const struct column usage_columns[] = {
    {"INSTANCE",    "instance",     NULL, text_of_value, .right = false},
    {"RESERVATION", "reservation",  NULL, text_of_value, .right = false},
    {"NODE",        "node",         NULL, text_of_value, .optional = true},
    {"FROM (UTC)",  "period_start", NULL, text_of_time,  .right = false},
    {"TO (UTC)",    "period_end",   NULL, text_of_time,  .right = false},
    {"CLASS",       "class",        NULL, text_of_value, .right = false},
    {"GPUS",        "gpu_milli",    NULL, text_of_milli, .right = true},
    {"SECONDS",     "seconds",      NULL, text_of_value, .right = true},
    COLUMNS_END,
};

static const struct column zone_columns[] = {
    {"NAME",     "name",   NULL, text_of_value, .right = false},
    {"DRIVER",   "driver", NULL, text_of_value, .right = false},
    {"LEAD (S)", "lead_s", NULL, text_of_value, .right = true},
    {"ID",       "id",     NULL, text_of_value, .right = false},
    COLUMNS_END,
};

static const struct column reconciler_columns[] = {
    {"ZONE",            "zone",            NULL, text_of_value, .right = false},
    {"PAUSED",          "paused",          NULL, text_of_value, .right = false},
    {"UNTIL (UTC)",     "pause.until",     NULL, text_of_time,  .optional = true},
    {"REASON",          "pause.reason",    NULL, text_of_value, .optional = true},
    {"LEADER",          "leader.holder",   NULL, text_of_value, .right = false},
    {"UNREAD",          "lag.events",      NULL, text_of_value, .right = true},
    {"UNDECIDED (S)",   "lag.undecided_s", NULL, text_of_value, .right = true},
    {"OVERDUE (S)",     "lag.due_s",       NULL, text_of_value, .right = true},
    {"ID",              "id",              NULL, text_of_value, .right = false},
    COLUMNS_END,
};

static const struct column reconciler_details[] = {
    {.title = "id",                   .path = "id",                       .text = text_of_value},
    {.title = "zone",                 .path = "zone",                     .text = text_of_value},
    {.title = "paused",               .path = "paused",                   .text = text_of_value},
    {.title = "reason",               .path = "pause.reason",             .text = text_of_value},
    {.title = "by",                   .path = "pause.by",                 .text = text_of_value},
    {.title = "since (UTC)",          .path = "pause.since",              .text = text_of_time},
    {.title = "until (UTC)",          .path = "pause.until",              .text = text_of_time},
    {.title = "leader keeps to it",   .path = "pause.holds",              .text = text_of_value},
    {.title = "leader",               .path = "leader.holder",            .text = text_of_value},
    {.title = "leads since (UTC)",    .path = "leader.since",             .text = text_of_time},
    {.title = "lease runs",           .path = "leader.is_current",        .text = text_of_value},
    {.title = "unread wishes",        .path = "lag.events",               .text = text_of_value},
    {.title = "oldest of them (s)",   .path = "lag.events_s",             .text = text_of_value},
    {.title = "undecided (s)",        .path = "lag.undecided_s",          .text = text_of_value},
    {.title = "overdue (s)",          .path = "lag.due_s",                .text = text_of_value},
    {.title = "deadline missed (s)",  .path = "lag.deadline_s",           .text = text_of_value},
    {.title = "drift",                .path = "drift",                    .text = text_of_value},
    {.title = "memory verified (UTC)", .path = "verification.verified_at", .text = text_of_time},
    {.title = "memory was right",     .path = "verification.is_equal",    .text = text_of_value},
    COLUMNS_END,
};

static const struct column instance_type_columns[] = {
    {"NAME",         "name",       NULL,        text_of_value, .right = false},
    {"GPUS",         "",           NULL,        text_of_gpus,  .right = true},
    {"MODELS",       "gpu_models", NULL,        text_of_value, .right = false},
    {"CPU (CORES)",  "cpu_milli",  NULL,        text_of_milli, .right = true},
    {"MEMORY (MIB)", "memory_mib", NULL,        text_of_value, .right = true},
    {"RETIRED",      "retired",    NULL,        text_of_value, .right = false},
    {"ID",           "id",         NULL,        text_of_value, .right = false},
    COLUMNS_END,
};

static const struct column instance_type_details[] = {
    {.title = "id",           .path = "id",                     .text = text_of_value},
    {.title = "name",         .path = "name",                   .text = text_of_value},
    {.title = "gpus",         .path = "",                       .text = text_of_gpus},
    {.title = "models",       .path = "gpu_models",             .text = text_of_value},
    {.title = "cpu (cores)",  .path = "cpu_milli",              .text = text_of_milli},
    {.title = "memory (MiB)", .path = "memory_mib",             .text = text_of_value},
    {.title = "description",  .path = "description",            .text = text_of_value},
    {.title = "open-ended %", .path = "open_ended_max_percent", .text = text_of_value},
    {.title = "retired",      .path = "retired",                .text = text_of_value},
    COLUMNS_END,
};

static const struct column webhook_columns[] = {
    {"URL",          "url",                    NULL,        text_of_value, .right = false},
    {"STATE",        "status.state",           NULL,        text_of_value, .right = false},
    {"EVENTS",       "events",                 NULL,        text_of_value, .right = false},
    {"LAST SUCCESS (UTC)", "status.last_success_at", NULL,        text_of_time,  .right = false},
    {"LAST ERROR",   "status.last_error",      NULL,        text_of_value, .right = false},
    {"ID",           "id",                     NULL,        text_of_value, .right = false},
    COLUMNS_END,
};

static const struct column audit_columns[] = {
    {"RECORDED (UTC)", "recorded_at",            NULL,        text_of_time,  .right = false},
    {"ACTION",       "action",                 NULL,        text_of_value, .right = false},
    {"RESULT",       "result",                 NULL,        text_of_value, .right = false},
    {"OBJECT",       "object",                 NULL,        text_of_value, .right = false},
    {"PRINCIPAL",    "principal",              NULL,        text_of_value, .right = false},
    {"REMOTE",       "remote",                 NULL,        text_of_value, .right = false},
    COLUMNS_END,
};

static const struct column tenant_columns[] = {
    {"NAME",          "name",             NULL, text_of_value, .right = false},
    {"STATUS",        "status",           NULL, text_of_value, .right = false},
    {"CURRENCY",      "currency",         NULL, text_of_value, .right = false},
    {"BILLED BY",     "billing_timezone", NULL, text_of_value, .right = false},
    {"SINCE (UTC)",   "created_at",       NULL, text_of_time,  .right = false},
    {"DELETED (UTC)", "deleted_at",       NULL, text_of_time,  .optional = true},
    {"ID",            "id",               NULL, text_of_value, .right = false},
    COLUMNS_END,
};

static const struct column project_columns[] = {
    {"NAME",        "name",        NULL, text_of_value, .right = false},
    {"TENANT",      "tenant",      NULL, text_of_value, .optional = true},
    {"DESCRIPTION", "description", NULL, text_of_value, .optional = true},
    {"LABELS",      "labels",      NULL, text_of_value, .right = false},
    {"ID",          "id",          NULL, text_of_value, .right = false},
    COLUMNS_END,
};

static const struct column ssh_key_columns[] = {
    {"NAME",        "name",               NULL, text_of_value, .right = false},
    {"TYPE",        "status.type",        NULL, text_of_value, .right = false},
    {"FINGERPRINT", "status.fingerprint", NULL, text_of_value, .right = false},
    {"ID",          "id",                 NULL, text_of_value, .right = false},
    COLUMNS_END,
};

static const struct column image_columns[] = {
    {"NAME",        "name",        NULL, text_of_value, .right = false},
    {"DESCRIPTION", "description", NULL, text_of_value, .optional = true},
    {"RETIRED",     "retired",     NULL, text_of_value, .right = false},
    {"ID",          "id",          NULL, text_of_value, .right = false},
    COLUMNS_END,
};

static const struct column member_columns[] = {
    {"NAME",     "name",     NULL, text_of_value, .right = false},
    {"TENANT",   "tenant",   NULL, text_of_value, .optional = true},
    {"E-MAIL",   "email",    NULL, text_of_value, .optional = true},
    {"ROLE",     "role",     NULL, text_of_value, .right = false},
    {"DISABLED", "disabled", NULL, text_of_value, .right = false},
    {"ID",       "id",       NULL, text_of_value, .right = false},
    COLUMNS_END,
};

static const struct column token_columns[] = {
    {"NAME",            "name",         NULL, text_of_value, .right = false},
    {"TENANT",          "tenant",       NULL, text_of_value, .optional = true},
    {"PRINCIPAL",       "principal",    NULL, text_of_value, .right = false},
    {"ROLE",            "role",         NULL, text_of_value, .right = false},
    {"SCOPES",          "scopes",       NULL, text_of_value, .optional = true},
    {"EXPIRES (UTC)",   "expires_at",   NULL, text_of_time,  .optional = true},
    {"REVOKED (UTC)",   "revoked_at",   NULL, text_of_time,  .optional = true},
    {"LAST USED (UTC)", "last_used_at", NULL, text_of_time,  .optional = true},
    {"ID",              "id",           NULL, text_of_value, .right = false},
    COLUMNS_END,
};

static const struct column token_details[] = {
    {.title = "token",         .path = "token",      .text = text_of_value},
    {.title = "id",            .path = "id",         .text = text_of_value},
    {.title = "name",          .path = "name",       .text = text_of_value},
    {.title = "principal",     .path = "principal",  .text = text_of_value},
    {.title = "role",          .path = "role",       .text = text_of_value},
    {.title = "scopes",        .path = "scopes",     .text = text_of_value},
    {.title = "expires (UTC)", .path = "expires_at", .text = text_of_time},
    COLUMNS_END,
};

static const struct column webhook_details[] = {
    {.title = "secret", .path = "secret", .text = text_of_value},
    {.title = "id",     .path = "id",     .text = text_of_value},
    {.title = "url",    .path = "url",    .text = text_of_value},
    {.title = "events", .path = "events", .text = text_of_value},
    COLUMNS_END,
};

static const struct column maintenance_columns[] = {
    {"ID",           "id",           NULL, text_of_value, .right = false},
    {"ZONE",         "zone",         NULL, text_of_value, .right = false},
    {"STATE",        "status.state", NULL, text_of_value, .right = false},
    {"STARTS (UTC)", "starts_at",    NULL, text_of_time,  .right = false},
    {"ENDS (UTC)",   "ends_at",      NULL, text_of_time,  .right = false},
    {"NODES",        "nodes",        NULL, text_of_value, .optional = true},
    {"RACK",         "rack",         NULL, text_of_value, .optional = true},
    {"REASON",       "reason",       NULL, text_of_value, .right = false},
    COLUMNS_END,
};

static const struct column maintenance_details[] = {
    {.title = "id",             .path = "id",                 .text = text_of_value},
    {.title = "zone",           .path = "zone",               .text = text_of_value},
    {.title = "state",          .path = "status.state",       .text = text_of_value},
    {.title = "starts (UTC)",   .path = "starts_at",          .text = text_of_time},
    {.title = "ends (UTC)",     .path = "ends_at",            .text = text_of_time},
    {.title = "nodes",          .path = "nodes",              .text = text_of_value},
    {.title = "rack",           .path = "rack",               .text = text_of_value},
    {.title = "reason",         .path = "reason",             .text = text_of_value},
    {.title = "hits",           .path = "hits",               .text = text_of_value},
    {.title = "cheapest (UTC)", .path = "cheapest.starts_at", .text = text_of_time},
    COLUMNS_END,
};

static const struct column replacement_columns[] = {
    {"ID",           "id",               NULL, text_of_value, .right = false},
    {"NODE",         "node",             NULL, text_of_value, .right = false},
    {"GPU",          "gpu",              NULL, text_of_value, .right = true},
    {"PART",         "part",             NULL, text_of_value, .right = false},
    {"STATE",        "status.state",     NULL, text_of_value, .right = false},
    {"REFERENCE",    "status.reference", NULL, text_of_value, .optional = true},
    {"OPENED (UTC)", "created_at",       NULL, text_of_time,  .right = false},
    {"REASON",       "reason",           NULL, text_of_value, .right = false},
    COLUMNS_END,
};

static const struct column replacement_details[] = {
    {.title = "id",            .path = "id",                   .text = text_of_value},
    {.title = "node",          .path = "node",                 .text = text_of_value},
    {.title = "gpu",           .path = "gpu",                  .text = text_of_value},
    {.title = "part",          .path = "part",                 .text = text_of_value},
    {.title = "serial",        .path = "serial",               .text = text_of_value},
    {.title = "reason",        .path = "reason",               .text = text_of_value},
    {.title = "state",         .path = "status.state",         .text = text_of_value},
    {.title = "reference",     .path = "status.reference",     .text = text_of_value},
    {.title = "new serial",    .path = "status.new_serial",    .text = text_of_value},
    {.title = "asset change",  .path = "status.asset_change",  .text = text_of_value},
    {.title = "cancelled",     .path = "status.cancel_reason", .text = text_of_value},
    {.title = "opened (UTC)",  .path = "created_at",           .text = text_of_time},
    {.title = "ordered (UTC)", .path = "status.ordered_at",    .text = text_of_time},
    {.title = "ended (UTC)",   .path = "status.ended_at",      .text = text_of_time},
    COLUMNS_END,
};

static const struct column session_columns[] = {
    {"ID",              "id",           NULL, text_of_value, .right = false},
    {"TENANT",          "tenant",       NULL, text_of_value, .optional = true},
    {"PRINCIPAL",       "principal",    NULL, text_of_value, .right = false},
    {"BEGUN (UTC)",     "created_at",   NULL, text_of_time,  .right = false},
    {"LAST USED (UTC)", "last_used_at", NULL, text_of_time,  .right = false},
    {"EXPIRES (UTC)",   "expires_at",   NULL, text_of_time,  .right = false},
    {"ADDRESS",         "address",      NULL, text_of_value, .right = false},
    {"BROWSER",         "user_agent",   NULL, text_of_value, .optional = true},
    COLUMNS_END,
};

static const struct column sessions_ended_details[] = {
    {.title = "ended", .path = "ended", .text = text_of_value},
    COLUMNS_END,
};

static const struct column price_columns[] = {
    {"SKU",             "sku",          NULL, text_of_value, .right = false},
    {"TENANT",          "tenant",       NULL, text_of_value, .optional = true},
    {"PROJECT",         "project",      NULL, text_of_value, .optional = true},
    {"TIER",            "tier",         NULL, text_of_value, .right = false},
    {"GPU-HOUR",        "gpu_hour",     NULL, text_of_money, .right = true},
    {"MODEL",           "model",        NULL, text_of_value, .right = false},
    {"FROM (UTC)",      "valid_from",   NULL, text_of_time,  .right = false},
    {"TO (UTC)",        "valid_until",  NULL, text_of_time,  .optional = true},
    {"WITHDRAWN (UTC)", "withdrawn_at", NULL, text_of_time,  .optional = true},
    {"ID",              "id",           NULL, text_of_value, .right = false},
    COLUMNS_END,
};

static const struct column price_details[] = {
    {.title = "id",              .path = "id",                 .text = text_of_value},
    {.title = "kind",            .path = "sku_kind",           .text = text_of_value},
    {.title = "sku",             .path = "sku",                .text = text_of_value},
    {.title = "tenant",          .path = "tenant",             .text = text_of_value},
    {.title = "project",         .path = "project",            .text = text_of_value},
    {.title = "tier",            .path = "tier",               .text = text_of_value},
    {.title = "GPU-hour",        .path = "gpu_hour",           .text = text_of_money},
    {.title = "model",           .path = "model",              .text = text_of_value},
    {.title = "tiers",           .path = "tiers",              .text = text_of_value},
    {.title = "windows",         .path = "windows",            .text = text_of_value},
    {.title = "package (hours)", .path = "package_gpu_hours",  .text = text_of_value},
    {.title = "minimum (s)",     .path = "minimum_s",          .text = text_of_value},
    {.title = "from (UTC)",      .path = "valid_from",         .text = text_of_time},
    {.title = "to (UTC)",        .path = "valid_until",        .text = text_of_time},
    {.title = "corrects",        .path = "corrects",           .text = text_of_value},
    {.title = "withdrawn (UTC)", .path = "withdrawn_at",       .text = text_of_time},
    COLUMNS_END,
};

static const struct column meter_columns[] = {
    {"NAME",          "name",        NULL, text_of_value, .right = false},
    {"UNIT",          "unit",        NULL, text_of_value, .right = false},
    {"AGGREGATION",   "aggregation", NULL, text_of_value, .right = false},
    {"PRICED PER",    "priced_unit", NULL, text_of_value, .right = false},
    {"DESCRIPTION",   "description", NULL, text_of_value, .optional = true},
    {"RETIRED (UTC)", "retired_at",  NULL, text_of_time,  .optional = true},
    {"ID",            "id",          NULL, text_of_value, .right = false},
    COLUMNS_END,
};

static const struct column meter_details[] = {
    {.title = "id",            .path = "id",          .text = text_of_value},
    {.title = "name",          .path = "name",        .text = text_of_value},
    {.title = "unit",          .path = "unit",        .text = text_of_value},
    {.title = "aggregation",   .path = "aggregation", .text = text_of_value},
    {.title = "decimals",      .path = "decimals",    .text = text_of_value},
    {.title = "priced per",    .path = "priced_unit", .text = text_of_value},
    {.title = "description",   .path = "description", .text = text_of_value},
    {.title = "retired (UTC)", .path = "retired_at",  .text = text_of_time},
    COLUMNS_END,
};

static const struct column meter_reading_columns[] = {
    {"RESERVATION",  "reservation",  NULL, text_of_value, .right = false},
    {"TENANT",       "tenant",       NULL, text_of_value, .optional = true},
    {"METER",        "meter",        NULL, text_of_value, .right = false},
    {"FROM (UTC)",   "from",         NULL, text_of_time,  .optional = true},
    {"TO (UTC)",     "to",           NULL, text_of_time,  .right = false},
    {"QUANTITY",     "quantity",     NULL, text_of_value, .right = true},
    {"UNIT",         "unit",         NULL, text_of_value, .right = false},
    {"COUNTS",       "counts",       NULL, text_of_value, .right = true},
    {"PRICED PER",   "priced_unit",  NULL, text_of_value, .right = false},
    {"COUNTED WITH", "counted_with", NULL, text_of_value, .optional = true},
    {"EVENT",        "event",        NULL, text_of_value, .right = false},
    COLUMNS_END,
};

const struct noun noun_reservation = {"/v1/reservations", "/v1/system/reservations", reservation_columns, reservation_details, "rsv_", "name", NULL, true};
const struct noun noun_quote = {"/v1/quotes", "/v1/system/quotes", quote_columns, quote_details, "quo_", "name", NULL, true};
const struct noun noun_quota = {"/v1/quotas", "/v1/system/quotas", quota_columns, NULL, "qta_", NULL, NULL, false};
const struct noun noun_webhook = {"/v1/webhooks", "/v1/system/webhooks", webhook_columns, NULL, "whk_", "url", NULL, false};
const struct noun noun_webhook_made = {"/v1/webhooks", "/v1/system/webhooks", webhook_columns, webhook_details, "whk_", "url", NULL, false};
const struct noun noun_token_made = {"/v1/tokens", "/v1/system/tokens", token_columns, token_details, "tok_", "name", NULL, false};
const struct noun noun_maintenance = {NULL, "/v1/system/maintenance-windows", maintenance_columns, maintenance_details, "mnt_", NULL, NULL, false};
const struct noun noun_replacement = {NULL, "/v1/system/replacement-requests", replacement_columns, replacement_details, "rpl_", NULL, NULL, false};
const struct noun noun_audit = {"/v1/audit", "/v1/system/audit", audit_columns, NULL, "aud_", NULL, NULL, false};
const struct noun noun_instance = {"/v1/instances", "/v1/system/instances", instance_columns, NULL, "ins_", NULL, NULL, false};
const struct noun noun_node = {NULL, "/v1/system/nodes", node_columns, NULL, "nod_", "name", NULL, false};
const struct noun noun_invoice = {"/v1/invoices", "/v1/system/invoices", invoice_columns, invoice_details, "inv_", "number", NULL, false};
const struct noun noun_usage = {"/v1/usage", "/v1/system/usage", usage_columns, NULL, NULL, NULL, NULL, false};
const struct noun noun_project = {"/v1/projects", "/v1/system/projects", project_columns, NULL, "prj_", "name", NULL, false};
const struct noun noun_own_reservation = {"/v1/reservations", NULL, reservation_columns, reservation_details, "rsv_", "name", NULL, true};
const struct noun noun_own_quote = {"/v1/quotes", NULL, quote_columns, quote_details, "quo_", "name", NULL, true};
const struct noun noun_own_project = {"/v1/projects", NULL, project_columns, NULL, "prj_", "name", NULL, false};
const struct noun noun_tenant = {NULL, "/v1/system/tenants", tenant_columns, NULL, "ten_", "name", NULL, false};
const struct noun noun_ssh_key = {"/v1/ssh-keys", NULL, ssh_key_columns, NULL, "key_", "name", NULL, false};
const struct noun noun_image = {"/v1/images", "/v1/system/images", image_columns, NULL, "img_", "name", NULL, false};
const struct noun noun_member = {"/v1/members", "/v1/system/members", member_columns, NULL, "prn_", "name", NULL, false};
const struct noun noun_service_account = {"/v1/service-accounts", "/v1/system/service-accounts", member_columns, NULL, "prn_", "name", NULL, false};
const struct noun noun_token = {"/v1/tokens", "/v1/system/tokens", token_columns, NULL, "tok_", "name", NULL, false};
const struct noun noun_zone = {"/v1/zones", NULL, zone_columns, NULL, "zon_", "name", NULL, false};
const struct noun noun_reconciler = {NULL, "/v1/system/reconciler", reconciler_columns, reconciler_details, "zon_", "zone", NULL, false};
const struct noun noun_instance_type = {"/v1/instance-types", "/v1/system/instance-types", instance_type_columns, instance_type_details, "typ_", "name", "shape.", false};
const struct noun noun_session = {"/v1/sessions", "/v1/system/sessions", session_columns, NULL, "ses_", NULL, NULL, false};
const struct noun noun_sessions_ended = {"/v1/sessions/revoke", "/v1/system/sessions/revoke", NULL, sessions_ended_details, NULL, NULL, NULL, false};
const struct noun noun_price = {"/v1/prices", "/v1/system/prices", price_columns, price_details, "prc_", NULL, NULL, false};
const struct noun noun_meter = {"/v1/meters", "/v1/system/meters", meter_columns, meter_details, "mtr_", "name", NULL, false};
const struct noun noun_meter_reading = {"/v1/meter-readings", "/v1/system/meter-readings", meter_reading_columns, NULL, NULL, NULL, NULL, false};
// clang-format on
