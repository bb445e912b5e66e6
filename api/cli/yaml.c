/* From events to values. An alias is the very value of its anchor, by reference: it takes no memory however often it is
 * repeated, but counts as often against the limit, since who writes it out would be at it for ever ("billion laughs"). */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/cli/yaml.h"

#include "api/cli/text.h"
#include "common/alloc.h"
#include "common/arena.h"
#include "common/must.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#define ANCHORS_MAX 1000 /* of one document */
#define VALUE_BYTES 4U   /* of any value, beside its text */

struct anchor {
    const char *name;
    json_t *value; /* the document's; NULL until it has been read to its end */
    size_t bytes;  /* how much it is */
    int levels;    /* how deep lists and objects stand in it */
};

struct reader {
    struct arena *arena;
    yaml_parser_t parser;
    struct anchor anchors[ANCHORS_MAX];
    size_t anchor_count;
    size_t bytes;
    int depth;   /* where it reads */
    int deepest; /* where it was, in the node that it reads */
};

static void reader_clear(struct reader **reader)
{
    yaml_parser_delete(&(*reader)->parser);
    free(*reader);
}

static void event_clear(yaml_event_t *event)
{
    yaml_event_delete(event);
}

static int line_of(const yaml_event_t *event)
{
    return (int)event->start_mark.line + 1;
}

static enum err_kind refused(struct err *reterr, const yaml_event_t *event, const char *what)
{
    return err_set(reterr, ERR_MALFORMED, "line %d: %s", line_of(event), what);
}

/* Bytes that are no text are told by their offset, all else by its line. */
static enum err_kind parser_failed(const yaml_parser_t *parser, struct err *reterr)
{
    must(parser->error != YAML_MEMORY_ERROR);
    const char *problem = parser->problem == NULL ? "this is no YAML" : parser->problem;
    if (parser->error == YAML_READER_ERROR)
        return err_set(reterr, ERR_MALFORMED, "line %zu: %s at byte %zu", parser->mark.line + 1, problem,
                       parser->problem_offset);
    return err_set(reterr, ERR_MALFORMED, "line %zu: %s%s%s", parser->problem_mark.line + 1,
                   parser->context == NULL ? "" : parser->context, parser->context == NULL ? "" : ": ", problem);
}

static enum err_kind next(struct reader *reader, yaml_event_t *ret, struct err *reterr)
{
    return yaml_parser_parse(&reader->parser, ret) == 1 ? ERR_NONE : parser_failed(&reader->parser, reterr);
}

/* ---- Scalars ---- */

static bool is_one_of(const char *text, const char *const *list)
{
    for (; *list != NULL; list++) {
        if (strcmp(text, *list) == 0)
            return true;
    }
    return false;
}

/* Text is text where it is in quotes, and where it is nothing else. *ret is the caller's. */
static enum err_kind resolve(const yaml_event_t *event, json_t **ret, struct err *reterr)
{
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL", NULL};
    static const char *const trues[] = {"true", "True", "TRUE", NULL};
    static const char *const falses[] = {"false", "False", "FALSE", NULL};
    const char *text = (const char *)event->data.scalar.value;
    size_t length = event->data.scalar.length;
    if (memchr(text, '\0', length) != NULL)
        return refused(reterr, event, "a text has a character that is NUL");
    bool is_plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && event->data.scalar.plain_implicit == 1;
    *ret = NULL;
    if (is_plain && is_one_of(text, nulls)) {
        *ret = json_null();
    } else if (is_plain && (is_one_of(text, trues) || is_one_of(text, falses))) {
        *ret = json_boolean(is_one_of(text, trues));
    } else if (is_plain && strchr("-0123456789", text[0]) != NULL) {
        json_error_t error;
        *ret = json_loadb(text, length, JSON_DECODE_ANY, &error);
        if (*ret == NULL && json_error_code(&error) == json_error_numeric_overflow)
            return refused(reterr, event, "the number is too large; in quotes it is text");
    }
    if (*ret == NULL)
        *ret = json_stringn(text, length);
    return *ret == NULL ? refused(reterr, event, "a text is not UTF-8") : ERR_NONE;
}

/* ---- Nodes ---- */

static enum err_kind count_bytes(struct reader *reader, const yaml_event_t *event, size_t bytes, struct err *reterr)
{
    if (bytes > DOCUMENTS_BYTES_MAX - reader->bytes)
        return refused(reterr, event, "with its aliases written out the text is too long");
    reader->bytes += bytes;
    return ERR_NONE;
}

/* About what JSON takes for it, or for its key. */
static size_t bytes_of(const yaml_event_t *event)
{
    return VALUE_BYTES + (event->type == YAML_SCALAR_EVENT ? event->data.scalar.length : 0);
}

/* So many levels below where it reads. */
static enum err_kind go_down(struct reader *reader, const yaml_event_t *event, int levels, struct err *reterr)
{
    if (levels > DOCUMENTS_DEPTH_MAX - reader->depth)
        return refused(reterr, event, DOCUMENTS_TOO_DEEP);
    if (reader->depth + levels > reader->deepest)
        reader->deepest = reader->depth + levels;
    return ERR_NONE;
}

static const struct anchor *find_anchor(const struct reader *reader, const char *name)
{
    for (size_t i = reader->anchor_count; i > 0; i--) {
        if (strcmp(reader->anchors[i - 1].name, name) == 0)
            return &reader->anchors[i - 1];
    }
    return NULL;
}

static enum err_kind read_alias(struct reader *reader, const yaml_event_t *event, json_t **ret, struct err *reterr)
{
    const struct anchor *anchor = find_anchor(reader, (const char *)event->data.alias.anchor);
    if (anchor == NULL)
        return refused(reterr, event, "the alias has no anchor in its document");
    if (anchor->value == NULL)
        return refused(reterr, event, "the alias stands within what it repeats");
    enum err_kind kind = go_down(reader, event, anchor->levels, reterr);
    if (kind == ERR_NONE)
        kind = count_bytes(reader, event, anchor->bytes, reterr);
    if (kind == ERR_NONE)
        *ret = json_incref(anchor->value);
    return kind;
}

/* The place for the node's value, *ret NULL where it has no anchor. */
static enum err_kind add_anchor(struct reader *reader, const yaml_event_t *event, const yaml_char_t *name,
                                struct anchor **ret, struct err *reterr)
{
    *ret = NULL;
    if (name == NULL)
        return ERR_NONE;
    if (reader->anchor_count == ANCHORS_MAX)
        return refused(reterr, event, "the document has too many anchors");
    *ret = &reader->anchors[reader->anchor_count++];
    **ret = (struct anchor){.name = arena_text(reader->arena, (const char *)name)};
    return ERR_NONE;
}

/* A tag that says what is so anyway is fine. */
static enum err_kind check_tag(const yaml_event_t *event, const yaml_char_t *tag, const char *usual, struct err *reterr)
{
    const char *text = (const char *)tag;
    if (text == NULL || strcmp(text, "!") == 0 || strcmp(text, usual) == 0)
        return ERR_NONE;
    return err_set(reterr, ERR_MALFORMED, "line %d: the tag '%.100s' is not read here", line_of(event), text);
}

static enum err_kind read_node(struct reader *reader, const yaml_event_t *event, json_t **ret, struct err *reterr);

static enum err_kind read_items(struct reader *reader, json_t *list, struct err *reterr)
{
    while (true) {
        CLEANUP(event_clear) yaml_event_t event = {0};
        enum err_kind kind = next(reader, &event, reterr);
        if (kind != ERR_NONE || event.type == YAML_SEQUENCE_END_EVENT)
            return kind;
        json_t *item = NULL;
        kind = read_node(reader, &event, &item, reterr);
        if (kind != ERR_NONE)
            return kind;
        must(json_array_append_new(list, item) == 0);
    }
}

static enum err_kind check_key(const yaml_event_t *event, const json_t *object, struct err *reterr)
{
    if (event->type != YAML_SCALAR_EVENT)
        return refused(reterr, event, "a key is one word or text, no alias, list or object");
    const char *key = (const char *)event->data.scalar.value;
    if (strlen(key) != event->data.scalar.length)
        return refused(reterr, event, "a key has a character that is NUL");
    if (strcmp(key, "<<") == 0 && event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE)
        return refused(reterr, event, "merge keys ('<<') are not read: write the fields out");
    if (json_object_get(object, key) != NULL)
        return err_set(reterr, ERR_MALFORMED, "line %d: '%.100s' stands here twice", line_of(event), key);
    return check_tag(event, event->data.scalar.tag, YAML_STR_TAG, reterr);
}

static enum err_kind read_fields(struct reader *reader, json_t *object, struct err *reterr)
{
    while (true) {
        CLEANUP(event_clear) yaml_event_t key = {0};
        CLEANUP(event_clear) yaml_event_t event = {0};
        enum err_kind kind = next(reader, &key, reterr);
        if (kind != ERR_NONE || key.type == YAML_MAPPING_END_EVENT)
            return kind;
        kind = check_key(&key, object, reterr);
        if (kind == ERR_NONE)
            kind = count_bytes(reader, &key, bytes_of(&key), reterr);
        if (kind == ERR_NONE)
            kind = next(reader, &event, reterr);
        json_t *value = NULL;
        if (kind == ERR_NONE)
            kind = read_node(reader, &event, &value, reterr);
        if (kind != ERR_NONE)
            return kind;
        if (json_object_set_new(object, (const char *)key.data.scalar.value, value) != 0)
            return refused(reterr, &key, "a key is not UTF-8");
    }
}

/* One that is anchored is repeated by aliases behind its end. */
static enum err_kind read_collection(struct reader *reader, const yaml_event_t *event, json_t **ret, struct err *reterr)
{
    bool is_list = event->type == YAML_SEQUENCE_START_EVENT;
    enum err_kind kind = go_down(reader, event, 1, reterr);
    if (kind == ERR_NONE)
        kind = is_list ? check_tag(event, event->data.sequence_start.tag, YAML_SEQ_TAG, reterr)
                       : check_tag(event, event->data.mapping_start.tag, YAML_MAP_TAG, reterr);
    if (kind != ERR_NONE)
        return kind;
    CLEANUP(json_release) json_t *value = is_list ? json_array() : json_object();
    must(value != NULL);
    reader->depth++;
    kind = is_list ? read_items(reader, value, reterr) : read_fields(reader, value, reterr);
    reader->depth--;
    if (kind == ERR_NONE)
        *ret = TAKE(value);
    return kind;
}

static const yaml_char_t *anchor_of(const yaml_event_t *event)
{
    if (event->type == YAML_SCALAR_EVENT)
        return event->data.scalar.anchor;
    return event->type == YAML_SEQUENCE_START_EVENT ? event->data.sequence_start.anchor
                                                    : event->data.mapping_start.anchor;
}

/* The node that begins with the event; *ret is the caller's. */
static enum err_kind read_node(struct reader *reader, const yaml_event_t *event, json_t **ret, struct err *reterr)
{
    if (event->type == YAML_ALIAS_EVENT)
        return read_alias(reader, event, ret, reterr);
    size_t bytes_before = reader->bytes;
    int deepest_before = reader->deepest;
    struct anchor *anchor = NULL;
    enum err_kind kind = count_bytes(reader, event, bytes_of(event), reterr);
    if (kind == ERR_NONE)
        kind = add_anchor(reader, event, anchor_of(event), &anchor, reterr);
    if (kind == ERR_NONE && event->type == YAML_SCALAR_EVENT)
        kind = check_tag(event, event->data.scalar.tag, YAML_STR_TAG, reterr);
    if (kind != ERR_NONE)
        return kind;
    reader->deepest = reader->depth;
    kind = event->type == YAML_SCALAR_EVENT ? resolve(event, ret, reterr) : read_collection(reader, event, ret, reterr);
    if (kind == ERR_NONE && anchor != NULL) {
        anchor->value = *ret;
        anchor->bytes = reader->bytes - bytes_before;
        anchor->levels = reader->deepest - reader->depth;
    }
    if (reader->deepest < deepest_before)
        reader->deepest = deepest_before;
    return kind;
}

/* ---- Documents ---- */

static enum err_kind read_one(struct reader *reader, const yaml_event_t *event, struct documents *documents,
                              struct err *reterr)
{
    CLEANUP(json_release) json_t *value = NULL;
    enum err_kind kind = read_node(reader, event, &value, reterr);
    return kind == ERR_NONE ? documents_add(reader->arena, documents, value, line_of(event), reterr) : kind;
}

/* A list at the top is one of documents, as in JSON; each has a line of its own. */
static enum err_kind read_list(struct reader *reader, const yaml_event_t *begin, struct documents *documents,
                               struct err *reterr)
{
    enum err_kind kind = check_tag(begin, begin->data.sequence_start.tag, YAML_SEQ_TAG, reterr);
    while (kind == ERR_NONE) {
        CLEANUP(event_clear) yaml_event_t event = {0};
        kind = next(reader, &event, reterr);
        if (kind != ERR_NONE || event.type == YAML_SEQUENCE_END_EVENT)
            return kind;
        kind = read_one(reader, &event, documents, reterr);
    }
    return kind;
}

static enum err_kind read_document(struct reader *reader, struct documents *documents, struct err *reterr)
{
    CLEANUP(event_clear) yaml_event_t event = {0};
    CLEANUP(event_clear) yaml_event_t end = {0};
    reader->anchor_count = 0;
    enum err_kind kind = next(reader, &event, reterr);
    if (kind == ERR_NONE && event.type == YAML_SEQUENCE_START_EVENT)
        kind = read_list(reader, &event, documents, reterr);
    else if (kind == ERR_NONE)
        kind = read_one(reader, &event, documents, reterr);
    if (kind == ERR_NONE)
        kind = next(reader, &end, reterr);
    must(kind != ERR_NONE || end.type == YAML_DOCUMENT_END_EVENT);
    return kind;
}

enum err_kind yaml_read(struct arena *arena, const char *text, size_t length, struct documents *documents,
                        struct err *reterr)
{
    CLEANUP(reader_clear) struct reader *reader = alloc_zero(1, sizeof *reader);
    reader->arena = arena;
    must(yaml_parser_initialize(&reader->parser) == 1);
    yaml_parser_set_input_string(&reader->parser, (const unsigned char *)text, length);
    while (true) {
        CLEANUP(event_clear) yaml_event_t event = {0};
        enum err_kind kind = next(reader, &event, reterr);
        if (kind == ERR_NONE && event.type == YAML_DOCUMENT_START_EVENT)
            kind = read_document(reader, documents, reterr);
        if (kind != ERR_NONE || event.type == YAML_STREAM_END_EVENT)
            return kind;
    }
}
