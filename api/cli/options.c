/* The table of options, and what each type of option takes. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/cli/options.h"

#include "api/cli/time_text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MONEY_DECIMALS 6

const struct option_row options[OPTIONS_TOTAL] = {
#define X(constant, option, letter, argument, type, least, most, field, help)                                          \
    [OPTION_##constant] = {option, letter, argument, VALUE_##type, least, most, field, help},
    OPTIONS(X)
#undef X
};

const enum option_id options_everywhere[] = {OPTION_PROFILE, OPTION_URL, OPTION_OUTPUT, OPTION_HELP, OPTIONS_END};

bool options_have(const enum option_id *list, enum option_id option)
{
    for (; list != NULL && *list != OPTIONS_END; list++) {
        if (*list == option)
            return true;
    }
    return false;
}

static int option_of_name(const char *name, size_t length)
{
    for (int i = 0; i < OPTIONS_TOTAL; i++) {
        if (strlen(options[i].name) == length && memcmp(options[i].name, name, length) == 0)
            return i;
    }
    return -1;
}

static int option_of_letter(char letter, const enum option_id *list)
{
    for (; list != NULL && *list != OPTIONS_END; list++) {
        if (letter != 0 && options[*list].letter == letter)
            return (int)*list;
    }
    for (int i = 0; i < OPTIONS_TOTAL; i++) {
        if (letter != 0 && options[i].letter == letter)
            return i;
    }
    return -1;
}

int option_of_word(const char *word, const enum option_id *list, const char **ret_value)
{
    bool is_long = word[1] == '-';
    size_t length = is_long ? strcspn(word + 2, "=") : 1;
    const char *rest = word + length + (is_long ? 2 : 1);
    *ret_value = NULL;
    if (rest[0] != '\0')
        *ret_value = is_long ? rest + 1 : rest;
    return is_long ? option_of_name(word + 2, length) : option_of_letter(word[1], list);
}

bool option_wants_value(enum option_id option)
{
    return options[option].type != VALUE_FLAG && options[option].type != VALUE_WAIT;
}

bool option_number(const char *text, int64_t *ret)
{
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || text[digits] != '\0')
        return false;
    errno = 0;
    long long value = strtoll(text, NULL, 10);
    if (errno != 0)
        return false;
    *ret = value;
    return true;
}

bool option_duration(const char *text, int64_t *ret_s)
{
    static const struct {
        char letter;
        int64_t seconds;
    } units[] = {{'d', 86400}, {'h', 3600}, {'m', 60}, {'s', 1}, {'\0', 1}};
    const int64_t most_s = INT64_C(366) * 86400 * 1000;
    char digits[16] = "";
    size_t length = strspn(text, "0123456789");
    int64_t number = 0;
    if (length >= sizeof digits || (text[length] != '\0' && text[length + 1] != '\0'))
        return false;
    memcpy(digits, text, length);
    for (size_t i = 0; i < COUNT_OF(units); i++) {
        if (units[i].letter != text[length] || !option_number(digits, &number) || number > most_s / units[i].seconds)
            continue;
        *ret_s = number * units[i].seconds;
        return true;
    }
    return false;
}

static enum err_kind check_duration(const struct option_row *option, const char *text, struct err *reterr)
{
    int64_t seconds = 0;
    if (option_duration(text, &seconds) && seconds >= option->least && seconds <= option->most)
        return ERR_NONE;
    return err_set(reterr, ERR_MALFORMED,
                   "--%s wants a length (7d, 12h, 90m, 30s) of %" PRId64 " to %" PRId64 " seconds, not '%s'",
                   option->name, option->least, option->most, text);
}

bool option_money(const char *text, struct option_money *ret)
{
    size_t length = strcspn(text, " ");
    size_t whole = strspn(text, "0123456789");
    size_t decimals = text[whole] == '.' ? strspn(text + whole + 1, "0123456789") : 0;
    int64_t ignored_u = 0;
    struct option_money money = {0};
    bool is_number = whole > 0 && decimals <= MONEY_DECIMALS && length == whole + (decimals > 0 ? decimals + 1 : 0);
    if (!is_number || strlen(text) != length + sizeof money.currency)
        return false;
    (void)snprintf(money.amount, sizeof money.amount, "%.*s.%.*s%.*s", (int)whole, text, (int)decimals,
                   text + whole + 1, (int)(MONEY_DECIMALS - decimals), "000000");
    (void)snprintf(money.currency, sizeof money.currency, "%s", text + length + 1);
    if (money_parse(money.amount, &ignored_u, NULL) != ERR_NONE)
        return false;
    *ret = money;
    return true;
}

static enum err_kind check_money(const struct option_row *option, const char *text, struct err *reterr)
{
    struct option_money ignored;
    if (option_money(text, &ignored))
        return ERR_NONE;
    return err_set(reterr, ERR_MALFORMED, "--%s wants an amount and a currency, '1000 USD', not '%s'", option->name,
                   text);
}

static enum err_kind check_number(const struct option_row *option, const char *text, struct err *reterr)
{
    int64_t value = 0;
    if (option_number(text, &value) && value >= option->least && value <= option->most)
        return ERR_NONE;
    return err_set(reterr, ERR_MALFORMED, "--%s wants a number from %" PRId64 " to %" PRId64 ", not '%s'", option->name,
                   option->least, option->most, text);
}

static enum err_kind check_time(const struct option_row *option, const char *text, struct err *reterr)
{
    struct time_text ignored;
    return time_text_parse(option->name, text, &ignored, reterr);
}

static enum err_kind check_format(const struct option_row *option, const char *text, struct err *reterr)
{
    if (strcmp(text, "table") == 0 || strcmp(text, "json") == 0 || strcmp(text, "csv") == 0)
        return ERR_NONE;
    return err_set(reterr, ERR_MALFORMED, "--%s is table, json or csv, not '%s'", option->name, text);
}

static enum err_kind check_label(const struct option_row *option, const char *text, struct err *reterr)
{
    const char *equals = strchr(text, '=');
    if (equals != NULL && equals != text)
        return ERR_NONE;
    return err_set(reterr, ERR_MALFORMED, "--%s wants KEY=TEXT, not '%s'", option->name, text);
}

static enum err_kind check_text(const struct option_row *option, const char *text, struct err *reterr)
{
    if (text[0] != '\0')
        return ERR_NONE;
    return err_set(reterr, ERR_MALFORMED, "--%s wants a value that is not empty", option->name);
}

static enum err_kind (*const checks[])(const struct option_row *, const char *, struct err *) = {
    [VALUE_FLAG] = NULL,         [VALUE_TEXT] = check_text,
    [VALUE_INT] = check_number,  [VALUE_TIME] = check_time,
    [VALUE_START] = check_time,  [VALUE_LIST] = check_text,
    [VALUE_WAIT] = check_number, [VALUE_FORMAT] = check_format,
    [VALUE_LABEL] = check_label, [VALUE_DURATION] = check_duration,
    [VALUE_MONEY] = check_money,
};

enum err_kind option_check(enum option_id option, const char *text, struct err *reterr)
{
    const struct option_row *row = &options[option];
    return checks[row->type] == NULL ? ERR_NONE : checks[row->type](row, text, reterr);
}
