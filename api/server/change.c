/* What comes before the handler of a change of one object: its row is locked, the preconditions are compared with it,
 * and what was sent becomes the whole object as it is to be. PUT sends all of it; PATCH sends a merge patch (RFC 7396)
 * that is applied to what the object is. So both are one handler, and one table says what may be sent. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/server/etag.h"
#include "api/server/merge_patch.h"
#include "api/server/server.h"
#include "common/must.h"

#include <stdlib.h>
#include <string.h>

static void json_freep(json_t **json)
{
    json_decref(*json);
}

/* ---- Preconditions ---- */

/* Operators script: a PUT that overwrites what its sender never saw must say so ("*"). */
bool change_needs_if_match(const struct route *route)
{
    return route->method == PUT && (route->roles & ROLES_TENANT_MONEY) == 0;
}

static enum err_kind check_preconditions(const struct request *request, const PGresult *row, struct err *reterr)
{
    const char *if_match = request_header(request, "If-Match");
    const char *if_none_match = request_header(request, "If-None-Match");
    const char *noun = request->route->lock->noun;
    int column = PQfnumber(row, "wish_revision");
    must(column >= 0);
    int64_t wish_revision = db_int(row, 0, column, 0);
    if (if_match == NULL && change_needs_if_match(request->route))
        return err_set_code(reterr, ERR_PRECONDITION, "precondition_required",
                            "send If-Match: the ETag of the %s that you saw, or * for any", noun);
    if (if_match != NULL && !etag_is_of_wish(if_match, wish_revision))
        return err_set(reterr, ERR_PRECONDITION, "the %s has changed since: its wish is at revision %lld", noun,
                       (long long)wish_revision);
    if (if_none_match != NULL && etag_is_of_wish(if_none_match, wish_revision))
        return err_set(reterr, ERR_PRECONDITION, "the %s is at the revision that If-None-Match excludes", noun);
    return ERR_NONE;
}

/* ---- What is sent, upon what there is ---- */

/* The table without what is only answered or only sent: what one may send and reads back. */
static const struct field *echoed_fields(struct arena *arena, const struct field *fields)
{
    size_t count = 0;
    size_t kept = 0;
    while (fields[count].name != NULL)
        count++;
    struct field *echoed = arena_alloc(arena, (count + 1) * sizeof *echoed);
    for (size_t i = 0; i < count; i++) {
        if ((fields[i].flags & (FIELD_READ_ONLY | FIELD_WRITE_ONLY)) == 0)
            memcpy(&echoed[kept++], &fields[i], sizeof *echoed);
    }
    return echoed;
}

static json_t *load(struct json_out *out)
{
    json_t *json = json_loads(json_out_finish(out), 0, NULL);
    must(json != NULL); /* we wrote it */
    return json;
}

static json_t *json_of_row(struct arena *arena, const struct field *fields, const PGresult *row)
{
    struct json_out out;
    json_out_init(&out, arena);
    field_write_row(fields, row, 0, &out);
    return load(&out);
}

static json_t *json_of_struct(struct arena *arena, const struct field *fields, const void *source)
{
    struct json_out out;
    json_out_init(&out, arena);
    field_write_struct(fields, source, &out);
    return load(&out);
}

/* Nulls of the present object are what is absent in a body. */
static void drop_nulls(json_t *object)
{
    const char *name = NULL;
    json_t *value = NULL;
    void *next = NULL;
    json_object_foreach_safe(object, next, name, value)
    {
        if (json_is_null(value))
            (void)json_object_del(object, name);
    }
}

static enum err_kind apply_patch(struct request *request, const json_t *present, struct err *reterr)
{
    const struct schema *schema = request->route->body;
    request->body_present = 0;
    CLEANUP(json_freep) json_t *whole = json_deep_copy(present);
    must(whole != NULL);
    drop_nulls(whole);
    merge_patch(whole, request->internal->patch); /* its depth: JSON_DEPTH_MAX */
    request->body = arena_alloc(request->arena, schema->size);
    request->problems.count = request->problems.listed = 0; /* of an attempt before */
    field_read_json(schema->fields, whole, FIELD_MODE_CREATE, request->body, &request->body_present,
                    &request->problems);
    field_check_removed(schema->fields, request->internal->patch, &request->problems);
    return request->problems.count == 0 ? ERR_NONE : request_invalid(request, reterr);
}

/* Null, or absent. An amount that may be left out is none then: zero, in whatever currency. */
static bool is_nothing(const struct field *field, const json_t *value)
{
    if (value == NULL || json_is_null(value))
        return true;
    if (field->type != FIELD_TYPE_MONEY || (field->flags & (FIELD_REQUIRED | FIELD_NULLABLE)) != 0)
        return false;
    const char *amount = json_string_value(json_object_get(value, "amount"));
    return amount[strspn(amount, "0.")] == '\0';
}

static bool is_same(const struct field *field, json_t *was, json_t *is)
{
    bool is_given = was != NULL && is != NULL && !json_is_null(was) && !json_is_null(is);
    return is_given ? json_equal(was, is) == 1 : is_nothing(field, was) && is_nothing(field, is);
}

/* Turns request->body_present from the fields that are given into those that differ, and refuses those that may not.
 * What is only sent differs where it is given. */
static enum err_kind compare(struct request *request, json_t *present, json_t *wished, struct err *reterr)
{
    const struct field *fields = request->route->body->fields;
    uint64_t given = request->body_present;
    request->body_present = 0;
    for (size_t i = 0; fields[i].name != NULL; i++) {
        json_t *was = json_object_get(present, fields[i].name);
        json_t *is = json_object_get(wished, fields[i].name);
        bool is_sent = (fields[i].flags & FIELD_WRITE_ONLY) != 0 && FIELD_PRESENT(given, i);
        if (!is_sent && is_same(&fields[i], was, is))
            continue;
        request->body_present |= UINT64_C(1) << i;
        if ((fields[i].flags & FIELD_CREATE_ONLY) != 0)
            field_problem_add(&request->problems, arena_format(request->arena, "/%s", fields[i].name),
                              "immutable_field", "cannot be changed");
    }
    return request->problems.count == 0 ? ERR_NONE : request_invalid(request, reterr);
}

static enum err_kind make_whole(struct request *request, struct err *reterr)
{
    const struct route *route = request->route;
    const PGresult *row = request->locked;
    enum err_kind kind = ERR_NONE;
    if (route->lock->read != NULL)
        kind = request_run(request, route->lock->read, DB_PARAMS(request->object), &row, reterr);
    if (kind != ERR_NONE)
        return kind;
    must(PQntuples(row) == 1); /* it is locked */
    const struct field *echoed = echoed_fields(request->arena, route->body->fields);
    CLEANUP(json_freep) json_t *present = json_of_row(request->arena, echoed, row);
    if (route->method == PATCH)
        kind = apply_patch(request, present, reterr);
    if (kind != ERR_NONE)
        return kind;
    CLEANUP(json_freep) json_t *wished = json_of_struct(request->arena, echoed, request->body);
    return compare(request, present, wished, reterr);
}

bool request_mentions(const struct request *request, const char *field)
{
    return request->route->method == PUT || json_object_get(request->internal->patch, field) != NULL;
}

bool request_changes(const struct request *request, const char *field)
{
    const struct field *fields = request->route->body->fields;
    for (size_t i = 0; fields[i].name != NULL; i++) {
        if (strcmp(fields[i].name, field) == 0)
            return FIELD_PRESENT(request->body_present, i);
    }
    must(false); /* no field of the body */
    return false;
}

void request_write_wished(struct request *request, const PGresult *row, struct json_out *out)
{
    const struct route *route = request->route;
    const struct field *echoed = echoed_fields(request->arena, route->body->fields);
    CLEANUP(json_freep) json_t *whole = json_of_row(request->arena, route->answer->fields, row);
    CLEANUP(json_freep) json_t *wished = json_of_struct(request->arena, echoed, request->body);
    for (const struct field *field = echoed; field->name != NULL; field++) {
        if (json_object_get(wished, field->name) == NULL)
            (void)json_object_del(whole, field->name); /* what is left out where there is none */
    }
    must(json_object_update(whole, wished) == 0);
    char *text = json_dumps(whole, JSON_COMPACT | JSON_PRESERVE_ORDER);
    must(text != NULL);
    json_out_raw(out, text);
    free(text);
}

/* It makes nothing new, but may end what it has, and sign in to look. */
bool change_is_new(const struct route *route)
{
    return route->replay != NULL && !route->signs_in && (route->roles & ROLES_TENANT_MONEY) != 0;
}

bool change_is_whole(const struct route *route)
{
    return route->lock != NULL && route->body != NULL && (route->method == PUT || route->method == PATCH);
}

enum err_kind change_prepare(struct request *request, struct err *reterr)
{
    const struct object_lock *lock = request->route->lock;
    if (request->caller.tenant_suspended && change_is_new(request->route))
        return err_set_code(reterr, ERR_FORBIDDEN, "tenant_suspended", "the tenant is suspended");
    if (lock == NULL)
        return ERR_NONE;
    enum err_kind kind = request_run(request, lock->stmt, DB_PARAMS(request->object), &request->locked, reterr);
    if (kind != ERR_NONE)
        return kind;
    if (PQntuples(request->locked) == 0)
        return request_not_found(request, lock->noun, reterr);
    kind = check_preconditions(request, request->locked, reterr);
    return kind == ERR_NONE && change_is_whole(request->route) ? make_whole(request, reterr) : kind;
}
