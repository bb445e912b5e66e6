/* Options become fields by the field's path in the table of options: no field is named here. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/cli/reservation_body.h"

#include "api/cli/file_text.h"
#include "api/cli/noun.h"
#include "api/cli/text.h"
#include "common/must.h"

#include <string.h>

#define BODY_BYTES_MAX 1048576 /* the API's own limit */

/* The makers of values give NULL for what is not UTF-8. */
static json_t *text_value(const char *text)
{
    return json_string(text);
}

static json_t *int_value(const char *text)
{
    int64_t number = 0;
    must(option_number(text, &number)); /* option_check has seen it */
    return json_integer(number);
}

static json_t *duration_value(const char *text)
{
    int64_t seconds = 0;
    must(option_duration(text, &seconds)); /* option_check has seen it */
    return json_integer(seconds);
}

/* A date is the instant at which the day begins. */
static json_t *time_value(const char *text)
{
    if (strcmp(text, OPTION_NOW) == 0)
        return json_null();
    if (strchr(text, 'T') != NULL)
        return text_value(text);
    return json_sprintf("%sT00:00:00Z", text);
}

static json_t *money_value(const char *text)
{
    struct option_money money;
    must(option_money(text, &money)); /* option_check has seen it */
    return json_pack("{s:s, s:s}", "amount", money.amount, "currency", money.currency);
}

static json_t *list_value(const char *text)
{
    CLEANUP(json_release) json_t *list = json_array();
    must(list != NULL);
    while (true) {
        size_t length = strcspn(text, ",");
        json_t *item = json_stringn(text, length);
        if (item == NULL)
            return NULL;
        must(json_array_append_new(list, item) == 0);
        if (text[length] == '\0')
            return TAKE(list);
        text += length + 1;
    }
}

static json_t *label_value(const char *text)
{
    const char *equals = strchr(text, '=');
    must(equals != NULL); /* option_check has seen it */
    CLEANUP(json_release) json_t *label = json_object();
    must(label != NULL);
    json_t *value = text_value(equals + 1);
    if (value == NULL || json_object_setn_new(label, text, (size_t)(equals - text), value) != 0)
        return NULL;
    return TAKE(label);
}

static json_t *(*const makers[])(const char *) = {
    [VALUE_TEXT] = text_value,  [VALUE_INT] = int_value,           [VALUE_TIME] = time_value,
    [VALUE_START] = time_value, [VALUE_LIST] = list_value,         [VALUE_LABEL] = label_value,
    [VALUE_WAIT] = NULL,        [VALUE_DURATION] = duration_value, [VALUE_MONEY] = money_value,
};

/* Puts value (taken over) at a place of the list named so; the places that are missing are null. */
static void put_in_list(json_t *body, const char *name, size_t length, size_t place, json_t *value)
{
    if (!json_is_array(json_object_getn(body, name, length)))
        must(json_object_setn_new(body, name, length, json_array()) == 0);
    json_t *list = json_object_getn(body, name, length);
    while (json_array_size(list) <= place)
        must(json_array_append_new(list, json_null()) == 0);
    must(json_array_set_new(list, place, value) == 0);
}

/* Puts value (taken over) at "placement.within"; what is no object on the way becomes one; labels are added up. */
static void put(json_t *body, const char *path, json_t *value)
{
    const char *point = strchr(path, '.');
    if (point == NULL) {
        json_t *there = json_object_get(body, path);
        bool adds = json_is_object(there) && json_is_object(value);
        must((adds ? json_object_update(there, value) : json_object_set(body, path, value)) == 0);
        json_decref(value);
        return;
    }
    size_t length = (size_t)(point - path);
    int64_t place = 0;
    if (option_number(point + 1, &place)) {
        put_in_list(body, path, length, (size_t)place, value);
        return;
    }
    if (!json_is_object(json_object_getn(body, path, length)))
        must(json_object_setn_new(body, path, length, json_object()) == 0);
    put(json_object_getn(body, path, length), point + 1, value);
}

/* "placement.mode=preferred" */
static void put_flag(json_t *body, const char *field)
{
    char path[64] = "";
    size_t length = strcspn(field, "=");
    must(length < sizeof path && field[length] == '=');
    memcpy(path, field, length);
    put(body, path, text_value(field + length + 1));
}

/* Where the field is in the body of a noun that is, by itself, a part of others' bodies. */
static const char *field_of(const struct noun *noun, const char *field)
{
    size_t length = noun == NULL || noun->is_part == NULL ? 0 : strlen(noun->is_part);
    return length > 0 && strncmp(field, noun->is_part, length) == 0 ? field + length : field;
}

static enum err_kind read_body(const char *name, json_t **ret, struct err *reterr)
{
    CLEANUP(text_freep) char *text = NULL;
    size_t length = 0;
    enum err_kind kind = file_text_read(name, BODY_BYTES_MAX, &text, &length, reterr);
    if (kind != ERR_NONE)
        return kind;
    json_error_t error;
    json_t *body = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);
    if (body == NULL)
        return err_set(reterr, ERR_MALFORMED, "'%s', line %d: %s", name, error.line, error.text);
    *ret = body;
    return json_is_object(body) ? ERR_NONE : err_set(reterr, ERR_MALFORMED, "'%s' is not a JSON object", name);
}

enum err_kind reservation_body(const struct arguments *arguments, json_t **ret, struct err *reterr)
{
    CLEANUP(json_release) json_t *body = NULL;
    const char *file = arguments_text(arguments, OPTION_BODY);
    enum err_kind kind = file == NULL ? ERR_NONE : read_body(file, &body, reterr);
    if (kind != ERR_NONE)
        return kind;
    if (body == NULL)
        body = json_object();
    must(body != NULL);
    for (int i = 0; i < arguments->value_count; i++) {
        const struct option_value *given = &arguments->values[i];
        const struct option_row *option = &options[given->option];
        if (option->type == VALUE_FLAG && option->field != NULL) {
            put_flag(body, option->field);
            continue;
        }
        if (option->field == NULL || given->text == NULL)
            continue;
        must(makers[option->type] != NULL);
        json_t *value = makers[option->type](given->text);
        if (value == NULL)
            return err_set(reterr, ERR_MALFORMED, "--%s is not UTF-8", option->name);
        put(body, field_of(arguments->command->noun, option->field), value);
    }
    *ret = TAKE(body);
    return ERR_NONE;
}
