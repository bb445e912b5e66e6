/* One line is one write(2), so that lines of several threads and processes do not mix. A line has a limit; a field
 * that would pass it is left out, and the line says "truncated". */
/* SPDX-License-Identifier: Apache-2.0 */
#include "common/log.h"

#include "common/clock.h"
#include "common/text_find.h"
#include "common/utf8.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LINE_SIZE        8192
#define LINE_TAIL        ",\"truncated\":true}\n"
#define LINE_TAIL_LENGTH (sizeof LINE_TAIL - 1)
#define PROGRAM_SIZE     64

static char log_program[PROGRAM_SIZE] = "sluice";
static atomic_int log_least = LOG_LEVEL_INFO;

static const char *const level_texts[] = {
    [LOG_LEVEL_DEBUG] = "debug",
    [LOG_LEVEL_INFO] = "info",
    [LOG_LEVEL_WARNING] = "warning",
    [LOG_LEVEL_ERROR] = "error",
};

/* A line being built. Room for the tail is always kept. */
struct line {
    char text[LINE_SIZE];
    size_t length;
    bool overflow;
};

void log_start(const char *program, enum log_level least)
{
    (void)snprintf(log_program, sizeof log_program, "%s", program); /* a long name is cut */
    atomic_store(&log_least, (int)least);
}

enum log_level log_level_from_text(const char *text)
{
    size_t found = text_find(level_texts, COUNT_OF(level_texts), text);
    return found == COUNT_OF(level_texts) ? LOG_LEVEL_INFO : (enum log_level)found;
}

static void line_add_n(struct line *line, const char *text, size_t length)
{
    if (line->overflow || length > LINE_SIZE - LINE_TAIL_LENGTH - line->length) {
        line->overflow = true;
        return;
    }
    memcpy(line->text + line->length, text, length);
    line->length += length;
}

static void line_add(struct line *line, const char *text)
{
    line_add_n(line, text, strlen(text));
}

static void line_format(struct line *line, const char *format, ...) PRINTF_LIKE(2, 3);

static void line_format(struct line *line, const char *format, ...)
{
    char text[64];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (length > 0)
        line_add_n(line, text, (size_t)length < sizeof text ? (size_t)length : sizeof text - 1);
}

static void line_add_json_text(struct line *line, const char *text)
{
    line_add(line, "\"");
    for (const unsigned char *next = (const unsigned char *)text; *next != '\0' && !line->overflow;) {
        size_t length = utf8_length(next);
        if (length == 0)
            line_add(line, "\\ufffd");
        else if (*next == '"' || *next == '\\')
            line_format(line, "\\%c", *next);
        else if (*next < 0x20 || *next == 0x7f)
            line_format(line, "\\u%04x", (unsigned)*next);
        else
            line_add_n(line, (const char *)next, length);
        next += length == 0 ? 1 : length;
    }
    line_add(line, "\"");
}

static void line_add_time(struct line *line, int64_t ms)
{
    time_t seconds = (time_t)(ms / 1000);
    struct tm calendar = {0};
    char text[32] = "";
    if (gmtime_r(&seconds, &calendar) != NULL)
        (void)strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &calendar); /* 19 characters always fit */
    line_format(line, "\"%s.%03dZ\"", text, (int)(ms % 1000));
}

static void line_add_field(struct line *line, const struct log_field *field)
{
    size_t before = line->length;
    line_add(line, ",");
    line_add_json_text(line, field->name);
    line_add(line, ":");
    if (field->type == LOG_FIELD_INT)
        line_format(line, "%lld", (long long)field->number);
    else if (field->text == NULL)
        line_add(line, "null");
    else
        line_add_json_text(line, field->text);
    if (line->overflow)
        line->length = before;
}

void log_write(enum log_level level, const char *event, const struct log_field *fields)
{
    if ((int)level < atomic_load(&log_least))
        return;
    struct line line;
    line.length = 0;
    line.overflow = false;
    line_add(&line, "{\"at\":");
    line_add_time(&line, clock_real_ms());
    line_add(&line, ",\"level\":");
    line_add_json_text(&line, level_texts[level]);
    line_add(&line, ",\"program\":");
    line_add_json_text(&line, log_program);
    line_format(&line, ",\"pid\":%lld,\"event\":", (long long)getpid());
    line_add_json_text(&line, event);

    bool truncated = false;
    for (const struct log_field *field = fields; field->name != NULL; field++) {
        line.overflow = false; /* a shorter one may still fit */
        line_add_field(&line, field);
        truncated = truncated || line.overflow;
    }
    const char *tail = truncated ? LINE_TAIL : "}\n";
    memcpy(line.text + line.length, tail, strlen(tail));
    line.length += strlen(tail);

    while (write(STDERR_FILENO, line.text, line.length) < 0 && errno == EINTR)
        continue; /* other failures: there is nobody left to tell */
}

void log_error(const char *event, const struct err *err)
{
    log_event(LOG_LEVEL_ERROR, event, LOG_TEXT("kind", err_slug(err->kind)), LOG_TEXT("code", err->code),
              LOG_TEXT("text", err->text), LOG_TEXT("hint", err->hint), LOG_TEXT("sqlstate", err->sqlstate));
}
