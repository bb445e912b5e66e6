/* Structured logs: one JSON object per line on stderr; one event name and its fields, for a person at three in
 * the morning: what, which object, what next. Never a secret. Thread-safe. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/err.h"

#include <stdint.h>

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARNING, LOG_LEVEL_ERROR };

struct log_field {
    const char *name;
    enum { LOG_FIELD_TEXT, LOG_FIELD_INT } type;
    const char *text;
    int64_t number;
};

#define LOG_TEXT(field_name, value) ((struct log_field){.name = (field_name), .type = LOG_FIELD_TEXT, .text = (value)})
#define LOG_INT(field_name, value)                                                                                     \
    ((struct log_field){.name = (field_name), .type = LOG_FIELD_INT, .number = (int64_t)(value)})

void log_start(const char *program, enum log_level least);
enum log_level log_level_from_text(const char *text); /* "debug" ... "error"; anything else is info */

/* log_event(LOG_LEVEL_INFO, "batch_committed", LOG_INT("requests", n), LOG_TEXT("zone", name)); */
#define log_event(level, event, ...)                                                                                   \
    log_write((level), (event), (const struct log_field[]){__VA_ARGS__ __VA_OPT__(, ){0}})
void log_write(enum log_level level, const char *event, const struct log_field *fields); /* ends with a NULL name */
/* An error with its kind, code, text and SQLSTATE. */
void log_error(const char *event, const struct err *err);
