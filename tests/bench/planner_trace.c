/* The trace's CSV: a header, then a row a line; fields hold no quotes, commas or line breaks. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/planner_trace.h"
#include "common/alloc.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_SIZE   4096
#define FIELDS_MAX  32
#define COLUMNS_MAX 8
#define AMOUNT_MAX  (INT64_C(1) << 40) /* CPU milli, MiB */

/* One file while it is read. columns: the names that are needed; at: which field of a line each of them is. */
struct reader {
    FILE *file;
    const char *path;
    char *error;
    uint32_t line;
    char text[LINE_SIZE];
    char *fields[FIELDS_MAX];
    uint32_t field_count;
    const char *columns[COLUMNS_MAX];
    uint32_t column_count;
    uint32_t at[COLUMNS_MAX];
};

static void file_close(FILE **file)
{
    if (*file != NULL)
        (void)fclose(*file); /* it was only read */
}

/* column: COLUMNS_MAX if it is the line as a whole. */
PRINTF_LIKE(3, 4) static bool fail(struct reader *reader, uint32_t column, const char *format, ...)
{
    char what[256];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(what, sizeof what, format, arguments); /* cut short is fine */
    va_end(arguments);
    if (column < COLUMNS_MAX)
        (void)snprintf(reader->error, TRACE_ERROR_SIZE, "%.160s:%u: column %u '%s': %s", reader->path, reader->line,
                       reader->at[column] + 1, reader->columns[column], what);
    else
        (void)snprintf(reader->error, TRACE_ERROR_SIZE, "%.160s:%u: %s", reader->path, reader->line, what);
    return false;
}

/* The next line as fields. False at the end of the file, or with *ret_failed. */
static bool line_next(struct reader *reader, bool *ret_failed)
{
    reader->line++;
    *ret_failed = false;
    if (fgets(reader->text, sizeof reader->text, reader->file) == NULL) {
        if (ferror(reader->file))
            *ret_failed = !fail(reader, COLUMNS_MAX, "cannot be read: %s", strerror(errno));
        return false;
    }
    size_t length = strcspn(reader->text, "\r\n");
    if (length == sizeof reader->text - 1) {
        *ret_failed = !fail(reader, COLUMNS_MAX, "the line is longer than %d bytes", LINE_SIZE - 2);
        return false;
    }
    if (reader->text[length] == '\0' && !feof(reader->file)) {
        *ret_failed = !fail(reader, COLUMNS_MAX, "the line holds a zero byte");
        return false;
    }
    reader->text[length] = '\0';
    if (strchr(reader->text, '"') != NULL) {
        *ret_failed = !fail(reader, COLUMNS_MAX, "quoted fields are not read");
        return false;
    }
    char *rest = reader->text;
    reader->field_count = 0;
    while (rest != NULL && reader->field_count < FIELDS_MAX)
        reader->fields[reader->field_count++] = strsep(&rest, ",");
    if (rest != NULL)
        *ret_failed = !fail(reader, COLUMNS_MAX, "the line has more than %d fields", FIELDS_MAX);
    return rest == NULL;
}

static bool header_read(struct reader *reader)
{
    bool failed;
    if (!line_next(reader, &failed))
        return failed ? false : fail(reader, COLUMNS_MAX, "the file is empty");
    for (uint32_t column = 0; column < reader->column_count; column++) {
        uint32_t at = 0;
        while (at < reader->field_count && strcmp(reader->fields[at], reader->columns[column]) != 0)
            at++;
        if (at == reader->field_count)
            return fail(reader, COLUMNS_MAX, "the header has no column '%s'", reader->columns[column]);
        reader->at[column] = at;
    }
    return true;
}

/* The next row; false at the end of the file, or with *ret_failed. */
static bool row_next(struct reader *reader, uint32_t count, bool *ret_failed)
{
    if (!line_next(reader, ret_failed))
        return false;
    for (uint32_t column = 0; column < reader->column_count; column++) {
        if (reader->at[column] >= reader->field_count) {
            *ret_failed = !fail(reader, column, "is missing: the line has %u fields", reader->field_count);
            return false;
        }
    }
    if (count >= TRACE_ROWS_MAX)
        *ret_failed = !fail(reader, COLUMNS_MAX, "there are more than %u rows", TRACE_ROWS_MAX);
    return !*ret_failed;
}

static const char *field_of(const struct reader *reader, uint32_t column)
{
    return reader->fields[reader->at[column]];
}

static bool number_read(struct reader *reader, uint32_t column, int64_t most, int64_t *ret)
{
    const char *text = field_of(reader, column);
    int64_t value = 0;
    if (*text == '\0')
        return fail(reader, column, "is empty");
    for (const char *at = text; *at != '\0'; at++) {
        if (*at < '0' || *at > '9' || value > most)
            return fail(reader, column, "'%.40s' is not a whole number from 0 to %lld", text, (long long)most);
        value = value * 10 + (*at - '0');
    }
    if (value > most)
        return fail(reader, column, "'%.40s' is not a whole number from 0 to %lld", text, (long long)most);
    *ret = value;
    return true;
}

static bool text_read(struct reader *reader, uint32_t column, size_t size, char *ret)
{
    const char *text = field_of(reader, column);
    if (strlen(text) >= size)
        return fail(reader, column, "'%.40s...' is longer than %zu bytes", text, size - 1);
    memcpy(ret, text, strlen(text) + 1);
    return true;
}

/* The bit of the model; a new one gets the next. */
static bool model_bit(struct trace *trace, struct reader *reader, uint32_t column, const char *name, uint32_t *ret)
{
    uint32_t i = 0;
    if (strlen(name) >= PLANNER_MODEL_SIZE)
        return fail(reader, column, "'%.40s...' is longer than %d bytes", name, PLANNER_MODEL_SIZE - 1);
    while (i < trace->model_count && strcmp(trace->models[i], name) != 0)
        i++;
    if (i == TRACE_MODELS_MAX)
        return fail(reader, column, "'%.40s' is one GPU model too many: %d are known", name, TRACE_MODELS_MAX);
    if (i == trace->model_count) {
        memcpy(trace->models[i], name, strlen(name) + 1);
        trace->model_count++;
    }
    *ret = UINT32_C(1) << i;
    return true;
}

static void *rows_widen(void *rows, size_t size, uint32_t count)
{
    bool full = count == 0 || (count >= 64 && (count & (count - 1)) == 0);
    return full ? alloc_resize(rows, count == 0 ? 64 : (size_t)count * 2, size) : rows;
}

static bool reader_open(struct reader *reader)
{
    reader->file = fopen(reader->path, "re");
    if (reader->file == NULL) {
        (void)snprintf(reader->error, TRACE_ERROR_SIZE, "%.160s: %s", reader->path, strerror(errno));
        return false;
    }
    return header_read(reader);
}

static bool node_read(struct trace *trace, struct reader *reader)
{
    enum { SN, CPU, MEMORY, GPU, MODEL };
    struct trace_node node = {0};
    int64_t gpus;
    uint32_t bit;
    if (!text_read(reader, SN, sizeof node.name, node.name) || !number_read(reader, CPU, AMOUNT_MAX, &node.cpu_milli) ||
        !number_read(reader, MEMORY, AMOUNT_MAX, &node.memory_mib) ||
        !number_read(reader, GPU, PLANNER_NODE_GPUS_MAX, &gpus) ||
        !text_read(reader, MODEL, sizeof node.model, node.model))
        return false;
    if (node.model[0] != '\0' && !model_bit(trace, reader, MODEL, node.model, &bit))
        return false;
    node.gpus = (uint32_t)gpus;
    trace->nodes = rows_widen(trace->nodes, sizeof trace->nodes[0], trace->node_count);
    trace->nodes[trace->node_count++] = node;
    return true;
}

bool trace_read_nodes(struct trace *trace, const char *path, char reterr[TRACE_ERROR_SIZE])
{
    CLEANUP(file_close) FILE *file = NULL;
    struct reader reader = {
        .path = path, .error = reterr, .columns = {"sn", "cpu_milli", "memory_mib", "gpu", "model"}, .column_count = 5};
    bool failed = !reader_open(&reader);
    file = reader.file;
    while (!failed && row_next(&reader, trace->node_count, &failed))
        failed = !node_read(trace, &reader);
    return !failed;
}

static bool models_read(struct trace *trace, struct reader *reader, uint32_t column, uint32_t *ret)
{
    char text[LINE_SIZE];
    char *rest = text;
    if (!text_read(reader, column, sizeof text, text))
        return false;
    *ret = 0;
    while (rest != NULL) {
        const char *name = strsep(&rest, "|");
        uint32_t bit = 0;
        if (*name != '\0' && !model_bit(trace, reader, column, name, &bit))
            return false;
        *ret |= bit;
    }
    return true;
}

static bool task_read(struct trace *trace, struct reader *reader)
{
    enum { NAME, CPU, MEMORY, GPUS, MILLI, SPEC };
    struct trace_task task = {0};
    int64_t gpus;
    int64_t milli;
    if (!text_read(reader, NAME, sizeof task.name, task.name) ||
        !number_read(reader, CPU, AMOUNT_MAX, &task.shape.cpu_milli) ||
        !number_read(reader, MEMORY, AMOUNT_MAX, &task.shape.memory_mib) ||
        !number_read(reader, GPUS, PLANNER_NODE_GPUS_MAX, &gpus) ||
        !number_read(reader, MILLI, PLANNER_GPU_MILLI, &milli) || !models_read(trace, reader, SPEC, &task.models))
        return false;
    if (gpus == 1 && milli == 0)
        return fail(reader, MILLI, "a task of one GPU needs some of it");
    if (gpus > 1 && milli != PLANNER_GPU_MILLI)
        return fail(reader, MILLI, "a task of several GPUs has them whole: %d", PLANNER_GPU_MILLI);
    bool share = gpus == 1 && milli < PLANNER_GPU_MILLI;
    task.shape.gpus = share ? 0 : (uint32_t)gpus;
    task.shape.gpu_milli = share ? (uint32_t)milli : 0;
    trace->tasks = rows_widen(trace->tasks, sizeof trace->tasks[0], trace->task_count);
    trace->tasks[trace->task_count++] = task;
    return true;
}

bool trace_read_tasks(struct trace *trace, const char *path, char reterr[TRACE_ERROR_SIZE])
{
    CLEANUP(file_close) FILE *file = NULL;
    struct reader reader = {.path = path,
                            .error = reterr,
                            .columns = {"name", "cpu_milli", "memory_mib", "num_gpu", "gpu_milli", "gpu_spec"},
                            .column_count = 6};
    bool failed = !reader_open(&reader);
    file = reader.file;
    while (!failed && row_next(&reader, trace->task_count, &failed))
        failed = !task_read(trace, &reader);
    return !failed;
}

void trace_free(struct trace *trace)
{
    free(trace->nodes);
    free(trace->tasks);
}
