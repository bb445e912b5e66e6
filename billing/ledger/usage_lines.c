/* From rows of usage to lines: which price each second has, and adding up. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "billing/ledger/usage_lines.h"

#include "common/alloc.h"

#include <stdio.h>
#include <string.h>

/* Usage of one reservation, day, sku and capacity status. */
struct usage {
    struct rated_line line; /* what its lines have in common */
    struct sku sku;
    struct price_customer customer;
    struct rating_usage *gpus;      /* gpu_milli of all instances together */
    struct rating_usage *instances; /* the same spans; gpu_milli is the number of instances */
    size_t count;
    int64_t period_s[3];
};

static void usage_release(struct usage *usage)
{
    free(usage->gpus);
    free(usage->instances);
}

static const char *text_or_empty(const PGresult *rows, int row, int column)
{
    const char *text = db_text(rows, row, column);
    return text != NULL ? text : "";
}

static uint8_t capacity_of(const char *text)
{
    if (text == NULL)
        return CAPACITY_NONE;
    return strcmp(text, "used") == 0 ? CAPACITY_USED : CAPACITY_UNUSED;
}

/* Unbilled rows are left out, too. */
static void usage_read(const PGresult *rows, int first, int end, const bool *left_out, struct usage *ret)
{
    size_t most = (size_t)(end - first);
    struct identity tenant = db_identity(rows, first, USAGE_COLUMN_TENANT);
    *ret = (struct usage){
        .line = {.key = {.reservation = db_identity(rows, first, USAGE_COLUMN_RESERVATION),
                         .capacity = capacity_of(db_text(rows, first, USAGE_COLUMN_CAPACITY))},
                 .tenant = tenant,
                 .currency = db_text(rows, first, USAGE_COLUMN_CURRENCY)},
        .sku = {.kind = db_text(rows, first, USAGE_COLUMN_KIND),
                .name = text_or_empty(rows, first, USAGE_COLUMN_SKU),
                .tier = db_text(rows, first, USAGE_COLUMN_TIER),
                .currency = db_text(rows, first, USAGE_COLUMN_CURRENCY)},
        .customer = {.tenant = tenant,
                     .project = db_text(rows, first, USAGE_COLUMN_PROJECT),
                     .zone = db_text(rows, first, USAGE_COLUMN_ZONE)},
        .gpus = alloc_zero(most, sizeof(struct rating_usage)),
        .instances = alloc_zero(most, sizeof(struct rating_usage)),
    };
    for (int i = 0; i < 3; i++)
        ret->period_s[i] = db_int(rows, first, USAGE_COLUMN_PERIOD + i, 0);
    for (int row = first; row < end; row++) {
        if (!db_bool(rows, row, USAGE_COLUMN_BILLED) || (left_out != NULL && left_out[row]))
            continue;
        struct rating_span span = {.from_s = db_int(rows, row, USAGE_COLUMN_FROM, 0),
                                   .to_s = db_int(rows, row, USAGE_COLUMN_TO, 0)};
        ret->gpus[ret->count] = (struct rating_usage){span, db_int(rows, row, USAGE_COLUMN_GPU_MILLI, 0)};
        ret->instances[ret->count++] = (struct rating_usage){span, db_int(rows, row, USAGE_COLUMN_INSTANCES, 0)};
    }
}

void usage_lines_price(const struct price_book *book, const struct price_choice *choice, size_t stretch,
                       struct rated_key *key)
{
    const struct rating_price *price = &choice->prices[stretch];
    const struct rating_price *list = &choice->list[stretch];
    key->price = book->versions[price->version].id;
    key->window = (uint8_t)price->window;
    if (list->version != PRICE_BOOK_NONE && list->version != price->version) {
        key->list_price = book->versions[list->version].id;
        key->list_window = (uint8_t)list->window;
    }
    if (choice->discounts[stretch] != PRICE_BOOK_NONE)
        key->discount = book->discounts[choice->discounts[stretch]].id;
}

/* The part of the usage that falls into one billing period. */
static enum err_kind add_period(struct rated_lines *lines, const struct price_book *book,
                                const struct price_choice *choice, const struct usage *usage, int period,
                                struct err *reterr)
{
    struct rating_span span = {.from_s = usage->period_s[period], .to_s = usage->period_s[period + 1]};
    int64_t *gpu_milli_s = alloc_zero(2 * choice->count + 1, sizeof *gpu_milli_s);
    int64_t *seconds = gpu_milli_s + choice->count;
    enum err_kind kind =
        rating_measure(span, usage->gpus, usage->count, choice->prices, choice->count, gpu_milli_s, reterr);
    if (kind == ERR_NONE)
        kind = rating_measure(span, usage->instances, usage->count, choice->prices, choice->count, seconds, reterr);
    for (size_t i = 0; kind == ERR_NONE && i < choice->count; i++) {
        if (gpu_milli_s[i] == 0)
            continue;
        struct rated_line line = usage->line;
        usage_lines_price(book, choice, i, &line.key);
        line.key.period_start_s = span.from_s;
        line.period_end_s = span.to_s;
        line.seconds = seconds[i];
        line.gpu_milli_s = gpu_milli_s[i];
        rated_lines_push(lines, &line);
    }
    free(gpu_milli_s);
    return kind;
}

static enum err_kind add(struct rated_lines *lines, const struct price_book *book, const PGresult *rows, int first,
                         int end, const bool *left_out, struct err *reterr)
{
    CLEANUP(usage_release) struct usage usage;
    usage_read(rows, first, end, left_out, &usage);
    if (usage.count == 0)
        return ERR_NONE;
    CLEANUP(price_choice_release) struct price_choice choice = {0};
    price_book_choose(book, &usage.sku, &usage.customer, &choice);
    enum err_kind kind = ERR_NONE;
    for (int period = 0; period < 2 && kind == ERR_NONE; period++)
        kind = add_period(lines, book, &choice, &usage, period, reterr);
    return kind;
}

enum err_kind usage_lines_add_day(struct rated_lines *lines, const struct price_book *book, const PGresult *rows,
                                  int first, int end, const bool *left_out, int *ret_unpriced, struct err *reterr)
{
    size_t before = lines->count;
    for (int row = first, next; row < end; row = next) {
        next = db_run_end(rows, row, USAGE_COLUMN_CAPACITY);
        enum err_kind kind = add(lines, book, rows, row, next, left_out, reterr);
        if (kind != ERR_NONE) {
            rated_lines_truncate(lines, before);
            *ret_unpriced = row;
            return kind;
        }
    }
    return ERR_NONE;
}

int64_t usage_billable(const PGresult *rows, int first, int end)
{
    int64_t amount = 0;
    for (int row = first; row < end; row++) {
        int64_t length_s = db_int(rows, row, USAGE_COLUMN_TO, 0) - db_int(rows, row, USAGE_COLUMN_FROM, 0);
        if (db_bool(rows, row, USAGE_COLUMN_BILLED))
            amount += length_s * db_int(rows, row, USAGE_COLUMN_GPU_MILLI, 0);
    }
    return amount;
}

void usage_sku_print(const PGresult *rows, int row, char *ret)
{
    (void)snprintf(ret, USAGE_SKU_SIZE, "%s %s, %s, %s", db_text(rows, row, USAGE_COLUMN_KIND),
                   PQgetvalue(rows, row, USAGE_COLUMN_SKU), db_text(rows, row, USAGE_COLUMN_TIER),
                   db_text(rows, row, USAGE_COLUMN_CURRENCY)); /* a long name is cut */
}
