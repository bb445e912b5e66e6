/* Images: what instances boot. Operators make them, tenants name them in reservations. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/registry.h"
#include "api/server/answer.h"

#include <string.h>

#define SHA256_DIGITS 64

struct image {
    const char *name, *description, *source, *sha256;
    bool retired;
};

// clang-format off
#define IMAGE_FIELDS \
    FIELD_COLUMN("id",          FIELD_TYPE_ID, .identity = IDENTITY_IMAGE, .help = "The image"), \
    FIELD_TEXT  ("name",        struct image, name, .flags = FIELD_REQUIRED | FIELD_CREATE_ONLY, .pattern = FIELD_NAME, .example = "ubuntu-24.04-cuda", .help = "Unique name; what reservations name"), \
    FIELD_TEXT  ("description", struct image, description, .flags = FIELD_NULLABLE, .least = 1, .most = 255, .help = "For people; null: none"), \
    FIELD_BOOL  ("retired",     struct image, retired, .fallback = "false", .help = "Whether new reservations may no longer name it"), \
    FIELD_COLUMN("created_at",  FIELD_TYPE_TIME, .help = "Domain time")

static const struct field image_fields[] = { IMAGE_FIELDS, FIELDS_END };

static const struct field system_fields[] = {
    IMAGE_FIELDS,
    FIELD_TEXT("source", struct image, source, .flags = FIELD_NULLABLE, .least = 1, .most = 255, .help = "Where the driver fetches it from; null: it knows it by its name"),
    FIELD_TEXT("sha256", struct image, sha256, .flags = FIELD_NULLABLE, .least = SHA256_DIGITS, .most = SHA256_DIGITS, .help = "What it must hash to, in hexadecimal; null: not said"),
    FIELDS_END,
};
// clang-format on

static const struct schema image_schema = {"Image", image_fields, sizeof(struct image)};
static const struct schema system_schema = {"SystemImage", system_fields, sizeof(struct image)};

struct image_query {
    const char *name;
};
static const struct field query_fields[] = {
    FIELD_TEXT("name", struct image_query, name, .help = "Only the image of this name"),
    FIELDS_END,
};
static const struct schema query_schema = {"ImageQuery", query_fields, sizeof(struct image_query)};

/* ---- Statements ---- */

#define IMAGE_COLUMNS                                                                                                  \
    "id, name, description, retired, source, sha256, extract(epoch FROM created_at)::bigint AS created_at,"            \
    " revision AS wish_revision"

static const struct db_stmt statement_list = {
    .name = "image_list",
    .sql = "SELECT " IMAGE_COLUMNS ", id AS page_key FROM image WHERE ($1::uuid IS NULL OR id > $1::uuid)"
           " AND ($3::text IS NULL OR name = $3::text) ORDER BY id LIMIT $2::bigint",
    .params = 3,
};

static const struct db_stmt statement_get = {
    .name = "image_get",
    .sql = "SELECT " IMAGE_COLUMNS " FROM image WHERE id = $1::uuid",
    .params = 1,
};

static const struct db_stmt statement_create = {
    .name = "image_create",
    .sql = "INSERT INTO image (id, name, description, source, sha256, retired)"
           " VALUES ($1::uuid, $2, $3, $4, $5, $6::boolean) ON CONFLICT (name) DO NOTHING RETURNING " IMAGE_COLUMNS,
    .params = 6,
};

static const struct db_stmt statement_lock = {
    .name = "image_lock",
    .sql = "SELECT " IMAGE_COLUMNS " FROM image WHERE id = $1::uuid FOR UPDATE",
    .params = 1,
};
static const struct object_lock image_lock = {.stmt = &statement_lock, .noun = "image"};

static const struct db_stmt statement_replace = {
    .name = "image_replace",
    .sql = "UPDATE image SET description = $2, source = $3, sha256 = $4, retired = $5::boolean, revision = revision + 1"
           " WHERE id = $1::uuid RETURNING " IMAGE_COLUMNS,
    .params = 5,
};

/* No row: a reservation that is not over boots it. */
static const struct db_stmt statement_delete = {
    .name = "image_delete",
    .sql = "DELETE FROM image i WHERE i.id = $1::uuid AND NOT EXISTS (SELECT FROM reservation_status s"
           "   JOIN reservation r ON r.id = s.reservation_id WHERE r.image = i.name"
           "    AND s.state IN ('held', 'scheduled', 'activating', 'active', 'ending', 'waitlisted'))"
           " RETURNING revision + 1",
    .params = 1,
};

static const struct db_stmt *const statements[] = {
    &statement_list, &statement_get, &statement_lock, &statement_create, &statement_replace, &statement_delete, NULL};

/* ---- Handlers ---- */

static enum err_kind list(struct request *request, struct response *response, struct err *reterr)
{
    const struct image_query *query = request->query;
    return answer_page(request, response, &statement_list, DB_PARAMS(query->name), reterr);
}

static enum err_kind get(struct request *request, struct response *response, struct err *reterr)
{
    return answer_object(request, response, 200, &statement_get, request->object, "image", reterr);
}

static enum err_kind check(struct request *request, const struct image *wish, struct err *reterr)
{
    if (wish->sha256 == NULL || strspn(wish->sha256, "0123456789abcdef") == SHA256_DIGITS)
        return ERR_NONE;
    field_problem_add(&request->problems, "/sha256", "out_of_range", "must be %d digits of 0-9 and a-f", SHA256_DIGITS);
    return request_invalid(request, reterr);
}

static enum err_kind create(struct request *request, struct response *response, struct err *reterr)
{
    const struct image *wish = request->body;
    enum err_kind kind = check(request, wish, reterr);
    if (kind != ERR_NONE)
        return kind;
    const PGresult *result = NULL;
    kind = request_run(request, &statement_create,
                       DB_PARAMS(request->new_id, wish->name, wish->description, wish->source, wish->sha256,
                                 request_bool(wish->retired)),
                       &result, reterr);
    if (kind != ERR_NONE)
        return kind;
    if (PQntuples(result) == 0)
        return err_set_code(reterr, ERR_CONFLICT, "name_taken", "an image named '%s' exists already", wish->name);
    response_object(request, response, 201, system_fields, result, 0);
    return request_event(request, NULL, NULL, "image", request->new_id, 1, "image.created", reterr);
}

static enum err_kind replace(struct request *request, struct response *response, struct err *reterr)
{
    const struct image *wish = request->body;
    if (request->body_present == 0)
        return get(request, response, reterr);
    enum err_kind kind = check(request, wish, reterr);
    if (kind != ERR_NONE)
        return kind;
    const PGresult *result = NULL;
    kind = request_run(
        request, &statement_replace,
        DB_PARAMS(request->object, wish->description, wish->source, wish->sha256, request_bool(wish->retired)), &result,
        reterr);
    if (kind != ERR_NONE)
        return kind;
    response_object(request, response, 200, system_fields, result, 0);
    return request_event(request, NULL, NULL, "image", request->object,
                         db_int(result, 0, PQfnumber(result, "wish_revision"), 0), "image.changed", reterr);
}

static enum err_kind remove_image(struct request *request, struct response *response, struct err *reterr)
{
    const PGresult *result = NULL;
    enum err_kind kind = request_run(request, &statement_delete, DB_PARAMS(request->object), &result, reterr);
    if (kind != ERR_NONE)
        return kind;
    if (PQntuples(result) == 0)
        return err_set_code(reterr, ERR_CONFLICT, "image_in_use",
                            "reservations that are not over boot this image: retire it instead");
    response->status = 204;
    return request_event(request, NULL, NULL, "image", request->object, db_int(result, 0, 0, 0), "image.removed",
                         reterr);
}

// clang-format off
#define ONE .has_id = true, .id = IDENTITY_IMAGE
static const struct route routes[] = {
    {GET,    "/v1/images",             ROLES_TENANT_READ,    RATE_READ,  .query = &query_schema, .answer = &image_schema, .is_list = true, .run = list, .summary = "List images"},
    {GET,    "/v1/images/{id}",        ROLES_TENANT_READ,    RATE_READ,  .answer = &image_schema, ONE, .run = get, .summary = "One image"},
    {GET,    "/v1/system/images",      ROLES_SYSTEM_READ,    RATE_READ,  .query = &query_schema, .answer = &system_schema, .is_list = true, .run = list, .summary = "List images"},
    {POST,   "/v1/system/images",      ROLES_SYSTEM_OPERATE, RATE_WRITE, .body = &system_schema, .answer = &system_schema, .run = create, .replay = get, .problems = PROBLEMS("name_taken"), .summary = "Make an image"},
    {GET,    "/v1/system/images/{id}", ROLES_SYSTEM_READ,    RATE_READ,  .answer = &system_schema, ONE, .run = get, .summary = "One image"},
    {PUT,    "/v1/system/images/{id}", ROLES_SYSTEM_OPERATE, RATE_WRITE, .body = &system_schema, .answer = &system_schema, ONE, .lock = &image_lock, .run = replace, .summary = "Change an image: all of it"},
    {PATCH,  "/v1/system/images/{id}", ROLES_SYSTEM_OPERATE, RATE_WRITE, .body = &system_schema, .answer = &system_schema, ONE, .lock = &image_lock, .run = replace, .summary = "Change an image: what is given"},
    {DELETE, "/v1/system/images/{id}", ROLES_SYSTEM_OPERATE, RATE_WRITE, ONE, .lock = &image_lock, .status = 204, .run = remove_image, .problems = PROBLEMS("image_in_use"), .summary = "Remove an image that no reservation boots"},
    ROUTES_END,
};
// clang-format on

const struct resource image_resource = {"images", routes, statements,
                                        "What instances boot: operators make images, reservations name them."};
