/* What the audit's chain promises: whatever is done to the rows or the seals of a history is found, and nothing is
 * found where nothing was done. Random histories, random damage; what was done is the oracle. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/audit/chain.h"
#include "common/hex.h"
#include "tests/unit/property.h"
#include "tests/unit/suite.h"

#include <inttypes.h>
#include <string.h>

#define HISTORIES 2000
#define ROWS_MAX  40
#define SEALS_MAX 12

struct history {
    struct arena *arena;
    struct audit_row rows[ROWS_MAX + 1];
    size_t row_count;
    struct audit_seal seals[SEALS_MAX];
    size_t first_rows[SEALS_MAX + 1]; /* of each seal: its first row */
    size_t seal_count;
};

static const char *random_text(struct property *random, struct arena *arena)
{
    static const char *const texts[] = {NULL, "", "a", "1:a,", "-", "ok", "5:hello,", "a,1:b"};
    size_t which = (size_t)property_between(random, 0, (int64_t)COUNT_OF(texts));
    return which < COUNT_OF(texts) ? texts[which] : arena_format(arena, "%" PRIx64, property_next(random));
}

static struct audit_row random_row(struct property *random, struct arena *arena)
{
    struct audit_row row;
    for (size_t i = 0; i < AUDIT_COLUMN_COUNT; i++)
        row.columns[i] = random_text(random, arena);
    row.columns[AUDIT_RECORDED_US] = arena_format(arena, "%" PRId64, property_between(random, 1, 1000000));
    row.columns[AUDIT_XID] = arena_format(arena, "%" PRId64, property_between(random, 1, 1000000));
    row.columns[AUDIT_ID] = arena_format(arena, "%016" PRIx64, property_next(random));
    return row;
}

static struct history *random_history(struct property *random)
{
    struct arena *arena = arena_new();
    struct history *history = arena_alloc(arena, sizeof *history);
    history->arena = arena;
    history->row_count = (size_t)property_between(random, 1, ROWS_MAX);
    for (size_t i = 0; i < history->row_count; i++)
        history->rows[i] = random_row(random, arena);
    size_t done = 0;
    while (done < history->row_count) {
        size_t left = history->row_count - done;
        bool is_last = history->seal_count == SEALS_MAX - 1;
        size_t count = is_last ? left : (size_t)property_between(random, 1, (int64_t)left);
        const struct audit_seal *head = history->seal_count == 0 ? NULL : &history->seals[history->seal_count - 1];
        history->first_rows[history->seal_count] = done;
        audit_seal_make(arena, head, history->rows + done, count, &history->seals[history->seal_count++]);
        done += count;
    }
    history->first_rows[history->seal_count] = done;
    return history;
}

/* The number of findings. Rows are where the seals of the history's making had them. */
static size_t findings(const struct history *history)
{
    size_t count = 0;
    for (size_t i = 0; i < history->seal_count; i++) {
        const struct audit_seal *seal = &history->seals[i];
        int64_t index = 0;
        size_t first = history->first_rows[i];
        size_t rows = history->first_rows[i + 1] - first;
        count += audit_check_seal(i == 0 ? NULL : &history->seals[i - 1], seal) != AUDIT_FINE;
        count += audit_check_rows(seal, history->rows + first, rows, &index) != AUDIT_FINE;
    }
    return count;
}

/* ---- Damage ---- */

static void change_a_column(struct history *history, struct property *random)
{
    size_t row = (size_t)property_between(random, 0, (int64_t)history->row_count - 1);
    size_t column = (size_t)property_between(random, 0, AUDIT_COLUMN_COUNT - 1);
    const char *old = history->rows[row].columns[column];
    history->rows[row].columns[column] = old == NULL ? "" : arena_format(history->arena, "%s1", old);
}

static void move_text_between_columns(struct history *history, struct property *random)
{
    size_t row = (size_t)property_between(random, 0, (int64_t)history->row_count - 1);
    const char **columns = history->rows[row].columns;
    columns[AUDIT_ACTION] = arena_format(history->arena, "%s,1:x", columns[AUDIT_ACTION] ? columns[AUDIT_ACTION] : "");
    columns[AUDIT_OBJECT_ID] = NULL;
}

static void shift_rows(struct history *history, size_t from, int by)
{
    for (size_t i = 0; i <= history->seal_count; i++) {
        if (history->first_rows[i] > from)
            history->first_rows[i] = by > 0 ? history->first_rows[i] + 1 : history->first_rows[i] - 1;
    }
}

static void delete_a_row(struct history *history, struct property *random)
{
    size_t row = (size_t)property_between(random, 0, (int64_t)history->row_count - 1);
    memmove(&history->rows[row], &history->rows[row + 1], (history->row_count - row) * sizeof history->rows[0]);
    shift_rows(history, row, -1);
    history->row_count--;
}

static void add_a_row(struct history *history, struct property *random)
{
    size_t row = (size_t)property_between(random, 0, (int64_t)history->row_count - 1);
    memmove(&history->rows[row + 1], &history->rows[row], (history->row_count - row) * sizeof history->rows[0]);
    history->rows[row] = random_row(random, history->arena);
    shift_rows(history, row, 1);
    history->row_count++;
}

static void seal_again_from_the_middle(struct history *history, struct property *random)
{
    size_t which = (size_t)property_between(random, 0, (int64_t)history->seal_count - 1);
    size_t first = history->first_rows[which];
    history->rows[first].columns[AUDIT_RESULT] = "forged";
    audit_seal_make(history->arena, which == 0 ? NULL : &history->seals[which - 1], history->rows + first,
                    history->first_rows[which + 1] - first, &history->seals[which]);
}

static void change_a_seal(struct history *history, struct property *random)
{
    struct audit_seal *seal = &history->seals[property_between(random, 0, (int64_t)history->seal_count - 1)];
    switch (property_between(random, 0, 4)) {
    case 0:
        seal->number++;
        break;
    case 1:
        seal->position++;
        break;
    case 2:
        seal->recorded_from_us--;
        break;
    case 3:
        seal->previous_hash[property_between(random, 0, AUDIT_HASH_SIZE - 1)] ^= 1;
        break;
    default:
        seal->hash[property_between(random, 0, AUDIT_HASH_SIZE - 1)] ^= 1;
    }
}

static void delete_a_seal(struct history *history, struct property *random)
{
    size_t which = (size_t)property_between(random, 0, (int64_t)history->seal_count - 1);
    memmove(&history->seals[which], &history->seals[which + 1],
            (history->seal_count - which - 1) * sizeof history->seals[0]);
    memmove(&history->first_rows[which], &history->first_rows[which + 1],
            (history->seal_count - which) * sizeof history->first_rows[0]);
    history->seal_count--;
}

static const struct {
    const char *name;
    void (*damage)(struct history *history, struct property *random);
    bool needs_checkpoint; /* at either end of the chain it is a truncation, which only a checkpoint tells */
} damages[] = {
    {"change_a_column", change_a_column, false}, {"move_text_between_columns", move_text_between_columns, false},
    {"delete_a_row", delete_a_row, false},       {"add_a_row", add_a_row, false},
    {"change_a_seal", change_a_seal, false},     {"seal_again_from_the_middle", seal_again_from_the_middle, true},
    {"delete_a_seal", delete_a_seal, true},
};

START_TEST(an_untouched_history_has_no_findings)
{
    struct property random = property_begin("an_untouched_history_has_no_findings");
    for (int i = 0; i < HISTORIES; i++) {
        struct history *history = random_history(&random);
        ck_assert_uint_eq(findings(history), 0);
        arena_free(history->arena);
    }
}
END_TEST

/* Are the ends of the chain those that checkpoints know? */
static bool ends_alike(const struct history *history, const struct audit_seal *last)
{
    return history->seal_count > 0 && history->seals[0].number == 1 &&
           memcmp(history->seals[history->seal_count - 1].hash, last->hash, AUDIT_HASH_SIZE) == 0;
}

START_TEST(whatever_is_done_to_a_history_is_found)
{
    struct property random = property_begin("whatever_is_done_to_a_history_is_found");
    for (int i = 0; i < HISTORIES; i++) {
        struct history *history = random_history(&random);
        size_t which = (size_t)property_between(&random, 0, (int64_t)COUNT_OF(damages) - 1);
        struct audit_seal last = history->seals[history->seal_count - 1];
        damages[which].damage(history, &random);
        bool is_found = findings(history) > 0 || (damages[which].needs_checkpoint && !ends_alike(history, &last));
        ck_assert_msg(is_found, "%s was not found", damages[which].name);
        arena_free(history->arena);
    }
}
END_TEST

/* So that the form can never change unseen: exports of years ago have to verify. */
START_TEST(the_form_of_what_is_hashed_is_fixed)
{
    const struct audit_row row = {{"4711", "018f0000-0000-7000-8000-000000000001", "1767225600000001", NULL,
                                   "018f0000-0000-7000-8000-000000000002", "req_1", "127.0.0.1",
                                   "POST /v1/reservations", NULL, "ok"}};
    uint8_t hash[AUDIT_HASH_SIZE];
    char text[HEX_TEXT_SIZE(AUDIT_HASH_SIZE)];
    audit_row_hash(&row, hash);
    hex_print(hash, sizeof hash, text);
    ck_assert_str_eq(text, "7ab8ac7b1a68a92702071c86382c996adc3af61384d694bf63d26f1951c8420b");
    CLEANUP(arena_freep) struct arena *arena = arena_new();
    struct audit_seal seal;
    audit_seal_make(arena, NULL, &row, 1, &seal);
    hex_print(seal.hash, sizeof seal.hash, text);
    ck_assert_str_eq(text, "40bf9198b67be223d1f70aaebe5c48802ec60b871f4f5dd57368ac269f7cb9d3");
}
END_TEST

START_TEST(what_differs_is_named_by_its_place)
{
    CLEANUP(arena_freep) struct arena *arena = arena_new();
    struct property random = property_begin("what_differs_is_named_by_its_place");
    struct audit_row rows[6];
    struct audit_seal seal;
    int64_t index = 0;
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        rows[i] = random_row(&random, arena);
    audit_seal_make(arena, NULL, rows, 5, &seal);
    ck_assert_int_eq(audit_check_rows(&seal, rows, 5, &index), AUDIT_FINE);
    ck_assert_int_eq(audit_check_rows(&seal, rows, 6, &index), AUDIT_ROW_ADDED);
    ck_assert_int_eq(index, 5);
    ck_assert_int_eq(audit_check_rows(&seal, rows, 3, &index), AUDIT_ROW_MISSING);
    ck_assert_int_eq(index, 3);
    ck_assert_int_eq(audit_check_rows(&seal, rows + 1, 4, &index), AUDIT_ROW_MISSING);
    ck_assert_int_eq(index, 0);
    rows[2].columns[AUDIT_RESULT] = "forged";
    ck_assert_int_eq(audit_check_rows(&seal, rows, 5, &index), AUDIT_ROW_CHANGED);
    ck_assert_int_eq(index, 2);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("audit_chain");
    TCase *promises = tcase_create("promises");
    tcase_add_test(promises, an_untouched_history_has_no_findings);
    tcase_add_test(promises, whatever_is_done_to_a_history_is_found);
    tcase_add_test(promises, the_form_of_what_is_hashed_is_fixed);
    tcase_add_test(promises, what_differs_is_named_by_its_place);
    suite_add_tcase(suite, promises);
    return suite;
}
