/* Health of GPUs: what the exporters on the nodes report of temperature, power, memory errors and firmware. It informs
 * operators; nothing follows from it by itself. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/node.h"
#include "api/resources/registry.h"
#include "api/server/answer.h"

#define REPORT_MAX   1000
#define FUTURE_MAX_S "300" /* clocks of nodes are about right */

/* ---- Readings ---- */

struct reading {
    const char *node;
    int64_t gpu, read_at, temperature_c, power_w, utilization_percent, ecc_corrected, ecc_uncorrected, remapped_rows;
    bool remap_is_pending;
};
struct report {
    struct field_rows items;
};

// clang-format off
static const struct field reading_fields[] = {
    FIELD_ID  ("node",                struct reading, node, .identity = IDENTITY_NODE, .flags = FIELD_REQUIRED, .help = "The node"),
    FIELD_INT ("gpu",                 struct reading, gpu, .flags = FIELD_REQUIRED, .least = 0, .most = 1000, .example = "0", .help = "The GPU's number in the node, from 0"),
    FIELD_TIME("read_at",             struct reading, read_at, .flags = FIELD_REQUIRED, .help = "Domain time of the reading"),
    FIELD_INT ("temperature_c",       struct reading, temperature_c, .flags = FIELD_NULLABLE, .least = -50, .most = 200, .example = "61", .help = "Degrees Celsius; null: not said, as all that follow"),
    FIELD_INT ("power_w",             struct reading, power_w, .flags = FIELD_NULLABLE, .least = 0, .most = 10000, .example = "540", .help = "Watts drawn by the GPU"),
    FIELD_INT ("utilization_percent", struct reading, utilization_percent, .flags = FIELD_NULLABLE, .least = 0, .most = 100, .example = "97", .help = "Share of the time in which a kernel ran"),
    FIELD_INT ("ecc_corrected",       struct reading, ecc_corrected, .flags = FIELD_NULLABLE, .least = 0, .most = INT64_C(1) << 53, .example = "12", .help = "Memory errors corrected in the GPU's life"),
    FIELD_INT ("ecc_uncorrected",     struct reading, ecc_uncorrected, .flags = FIELD_NULLABLE, .least = 0, .most = INT64_C(1) << 53, .example = "0", .help = "Memory errors not corrected in the GPU's life"),
    FIELD_INT ("remapped_rows",       struct reading, remapped_rows, .flags = FIELD_NULLABLE, .least = 0, .most = 1000000, .example = "0", .help = "Memory rows replaced by spare ones in the GPU's life"),
    FIELD_BOOL("remap_is_pending",    struct reading, remap_is_pending, .help = "A row is replaced at the GPU's next reset"),
    FIELDS_END,
};
static const struct field readings_fields[] = {
    FIELD_ROWS("items", struct report, items, .flags = FIELD_REQUIRED, .fields = reading_fields, .size = sizeof(struct reading), .least = 0, .most = REPORT_MAX, .help = "One per GPU; one that is older than what is known is passed over"),
    FIELDS_END,
};
static const struct field gpu_fields[] = {
    FIELD_COLUMN("node",                     FIELD_TYPE_ID, .identity = IDENTITY_NODE, .help = "The node"),
    FIELD_COLUMN("gpu",                      FIELD_TYPE_INT, .help = "The GPU's number in the node, from 0"),
    FIELD_COLUMN("read_at",                  FIELD_TYPE_TIME, .help = "Domain time of the reading"),
    FIELD_COLUMN_WITH("temperature_c",       FIELD_TYPE_INT, FIELD_NULLABLE, .help = "Degrees Celsius; null: not said, as all that follow"),
    FIELD_COLUMN_WITH("power_w",             FIELD_TYPE_INT, FIELD_NULLABLE, .help = "Watts drawn by the GPU"),
    FIELD_COLUMN_WITH("utilization_percent", FIELD_TYPE_INT, FIELD_NULLABLE, .help = "Share of the time in which a kernel ran"),
    FIELD_COLUMN_WITH("ecc_corrected",       FIELD_TYPE_INT, FIELD_NULLABLE, .help = "Memory errors corrected in the GPU's life"),
    FIELD_COLUMN_WITH("ecc_uncorrected",     FIELD_TYPE_INT, FIELD_NULLABLE, .help = "Memory errors not corrected in the GPU's life"),
    FIELD_COLUMN_WITH("remapped_rows",       FIELD_TYPE_INT, FIELD_NULLABLE, .help = "Memory rows replaced by spare ones in the GPU's life"),
    FIELD_COLUMN("remap_is_pending",         FIELD_TYPE_BOOL, .help = "A row is replaced at the GPU's next reset"),
    FIELD_COLUMN_WITH("xid",                 FIELD_TYPE_INT, FIELD_NULLABLE, .help = "Its newest error (NVIDIA XID); null: none is known"),
    FIELD_COLUMN_WITH("xid_at",              FIELD_TYPE_TIME, FIELD_NULLABLE, .help = "When that happened, in domain time"),
    FIELDS_END,
};
// clang-format on
static const struct schema readings_schema = {"GpuReadings", readings_fields, sizeof(struct report)};
static const struct schema gpu_schema = {"Gpu", gpu_fields, 0};

/* What a list may be narrowed to. */
struct health_query {
    const char *node, *zone;
};
// clang-format off
static const struct field health_query_fields[] = {
    FIELD_ID  ("node", struct health_query, node, .identity = IDENTITY_NODE, .help = "Only of this node"),
    FIELD_TEXT("zone", struct health_query, zone, .help = "Only of the zone of this name"),
    FIELDS_END,
};
// clang-format on
/* Below a node's address there is nothing to narrow. */
static enum err_kind health_page(struct request *request, struct response *response, const struct db_stmt *stmt,
                                 struct err *reterr)
{
    const struct health_query *query = request->query;
    if (!request->route->has_id)
        return answer_page(request, response, stmt, DB_PARAMS(query->node, query->zone), reterr);
    enum err_kind kind = node_find(request, reterr);
    return kind == ERR_NONE ? answer_page(request, response, stmt, DB_PARAMS(request->object, NULL), reterr) : kind;
}

static const struct schema health_query_schema = {"GpuHealthQuery", health_query_fields, sizeof(struct health_query)};

static const struct db_stmt statement_gpus = {
    .name = "gpu_list",
    .sql =
        "SELECT r.node_id AS node, r.gpu, extract(epoch FROM r.read_at)::bigint AS read_at, r.temperature_c, r.power_w,"
        " r.utilization_percent, r.ecc_corrected, r.ecc_uncorrected, r.remapped_rows, r.remap_is_pending, e.xid,"
        " extract(epoch FROM e.happened_at)::bigint AS xid_at, r.node_id || ' ' || r.gpu AS page_key"
        "  FROM gpu_reading r JOIN node n ON n.id = r.node_id JOIN zone z ON z.id = n.zone_id"
        "  LEFT JOIN LATERAL (SELECT e.xid, e.happened_at FROM gpu_error e WHERE e.node_id = r.node_id AND e.gpu = "
        "r.gpu"
        "                      ORDER BY e.happened_at DESC, e.xid DESC LIMIT 1) e ON true"
        " WHERE ($1::text IS NULL OR (r.node_id, r.gpu) > (split_part($1, ' ', 1)::uuid, split_part($1, ' ', "
        "2)::integer))"
        "   AND ($3::uuid IS NULL OR r.node_id = $3::uuid) AND ($4::text IS NULL OR z.name = $4::text)"
        "   AND n.retired_at IS NULL"
        " ORDER BY r.node_id, r.gpu LIMIT $2::bigint",
    .params = 4,
};

/* Positions of items that cannot be: no such node, no such GPU in it, or in the future. */
static const struct db_stmt statement_check = {
    .name = "gpu_check",
    .sql = "SELECT position - 1, n.id IS NULL, x.gpu >= n.gpu_count, to_timestamp(x.at) > sluice_now() + " FUTURE_MAX_S
           " * interval '1 second'"
           "  FROM unnest($1::uuid[], $2::integer[], $3::bigint[]) WITH ORDINALITY AS x (node, gpu, at, position)"
           "  LEFT JOIN node n ON n.id = x.node AND n.retired_at IS NULL"
           " WHERE n.id IS NULL OR x.gpu >= n.gpu_count"
           "    OR to_timestamp(x.at) > sluice_now() + " FUTURE_MAX_S " * interval '1 second'"
           " ORDER BY 1",
    .params = 3,
};

/* In the order of the key, so that two reports at once cannot lock each other out. */
static const struct db_stmt statement_put = {
    .name = "gpu_put",
    .sql =
        "INSERT INTO gpu_reading AS r (node_id, gpu, read_at, temperature_c, power_w, utilization_percent,"
        "                              ecc_corrected, ecc_uncorrected, remapped_rows, remap_is_pending)"
        " SELECT DISTINCT ON (x.node, x.gpu) x.node, x.gpu, to_timestamp(x.at), x.temperature, x.power, x.utilization,"
        "        x.corrected, x.uncorrected, x.remapped, x.pending"
        "   FROM unnest($1::uuid[], $2::integer[], $3::bigint[], $4::integer[], $5::integer[], $6::integer[],"
        "               $7::bigint[], $8::bigint[], $9::integer[], $10::boolean[])"
        "        AS x (node, gpu, at, temperature, power, utilization, corrected, uncorrected, remapped, pending)"
        "  ORDER BY x.node, x.gpu, x.at DESC"
        " ON CONFLICT (node_id, gpu) DO UPDATE"
        "    SET read_at = excluded.read_at, temperature_c = excluded.temperature_c, power_w = excluded.power_w,"
        "        utilization_percent = excluded.utilization_percent, ecc_corrected = excluded.ecc_corrected,"
        "        ecc_uncorrected = excluded.ecc_uncorrected, remapped_rows = excluded.remapped_rows,"
        "        remap_is_pending = excluded.remap_is_pending"
        "  WHERE excluded.read_at >= r.read_at",
    .params = 10,
};

static enum err_kind gpus(struct request *request, struct response *response, struct err *reterr)
{
    return health_page(request, response, &statement_gpus, reterr);
}

static enum err_kind check(struct request *request, struct db_array *nodes, struct db_array *gpu_numbers,
                           struct db_array *instants, const char *instant_name, struct err *reterr)
{
    const PGresult *wrong = NULL;
    enum err_kind kind = request_run(
        request, &statement_check,
        DB_PARAMS(db_array_param(nodes), db_array_param(gpu_numbers), db_array_param(instants)), &wrong, reterr);
    for (int row = 0; kind == ERR_NONE && row < PQntuples(wrong); row++) {
        const char *item = arena_format(request->arena, "/items/%s", db_text(wrong, row, 0));
        if (db_bool(wrong, row, 1))
            field_problem_add(&request->problems, arena_format(request->arena, "%s/node", item), "unknown_node",
                              "there is no such node");
        if (db_bool(wrong, row, 2))
            field_problem_add(&request->problems, arena_format(request->arena, "%s/gpu", item), "out_of_range",
                              "the node has fewer GPUs");
        if (db_bool(wrong, row, 3))
            field_problem_add(&request->problems, arena_format(request->arena, "%s/%s", item, instant_name),
                              "out_of_range", "must not be more than " FUTURE_MAX_S " seconds from now");
    }
    return kind != ERR_NONE || request->problems.count == 0 ? kind : request_invalid(request, reterr);
}

static void add_or_null(struct db_array *array, int64_t value)
{
    db_array_int_or_null(array, value, FIELD_NULL);
}

static enum err_kind put_readings(struct request *request, struct response *response, struct err *reterr)
{
    enum { NODE, GPU, AT, TEMPERATURE, POWER, UTILIZATION, CORRECTED, UNCORRECTED, REMAPPED, PENDING, COLUMNS };
    const struct report *wish = request->body;
    const struct reading *items = wish->items.items;
    struct db_array columns[COLUMNS] = {0};
    for (size_t i = 0; i < wish->items.count; i++) {
        db_array_text(&columns[NODE], items[i].node);
        db_array_int(&columns[GPU], items[i].gpu);
        db_array_int(&columns[AT], items[i].read_at);
        add_or_null(&columns[TEMPERATURE], items[i].temperature_c);
        add_or_null(&columns[POWER], items[i].power_w);
        add_or_null(&columns[UTILIZATION], items[i].utilization_percent);
        add_or_null(&columns[CORRECTED], items[i].ecc_corrected);
        add_or_null(&columns[UNCORRECTED], items[i].ecc_uncorrected);
        add_or_null(&columns[REMAPPED], items[i].remapped_rows);
        db_array_bool(&columns[PENDING], items[i].remap_is_pending);
    }
    enum err_kind kind = check(request, &columns[NODE], &columns[GPU], &columns[AT], "read_at", reterr);
    const char *params[COLUMNS];
    for (int i = 0; i < COLUMNS; i++)
        params[i] = db_array_param(&columns[i]);
    response->status = 204;
    if (kind == ERR_NONE)
        kind = request_run(request, &statement_put, params, NULL, reterr);
    for (int i = 0; i < COLUMNS; i++)
        db_array_clear(&columns[i]);
    return kind;
}

/* ---- Nodes, by their GPUs ---- */

// clang-format off
static const struct field node_health_fields[] = {
    FIELD_COLUMN("node",                     FIELD_TYPE_ID, .identity = IDENTITY_NODE, .help = "The node"),
    FIELD_COLUMN("name",                     FIELD_TYPE_TEXT, .help = "Its name"),
    FIELD_COLUMN("gpus_reporting",           FIELD_TYPE_INT, .help = "GPUs of which a reading is known"),
    FIELD_COLUMN("read_at",                  FIELD_TYPE_TIME, .help = "Domain time of the oldest of their readings"),
    FIELD_COLUMN_WITH("temperature_c",       FIELD_TYPE_INT, FIELD_NULLABLE, .help = "Degrees Celsius of the hottest"),
    FIELD_COLUMN_WITH("power_w",             FIELD_TYPE_INT, FIELD_NULLABLE, .help = "Watts drawn by all"),
    FIELD_COLUMN_WITH("utilization_percent", FIELD_TYPE_INT, FIELD_NULLABLE, .help = "Mean share of the time in which a kernel ran"),
    FIELD_COLUMN_WITH("ecc_corrected",       FIELD_TYPE_INT, FIELD_NULLABLE, .help = "Memory errors corrected, of all"),
    FIELD_COLUMN_WITH("ecc_uncorrected",     FIELD_TYPE_INT, FIELD_NULLABLE, .help = "Memory errors not corrected, of all"),
    FIELD_COLUMN_WITH("remapped_rows",       FIELD_TYPE_INT, FIELD_NULLABLE, .help = "Memory rows replaced, of all"),
    FIELD_COLUMN("remap_is_pending",         FIELD_TYPE_BOOL, .help = "One of them replaces a row at its next reset"),
    FIELDS_END,
};
// clang-format on
static const struct schema node_health_schema = {"NodeHealth", node_health_fields, 0};

static const struct db_stmt statement_nodes = {
    .name = "gpu_nodes",
    .sql = "SELECT n.id AS node, n.name, h.gpus_reporting, extract(epoch FROM h.read_at)::bigint AS read_at,"
           " h.temperature_c, h.power_w, h.utilization_percent, h.ecc_corrected, h.ecc_uncorrected, h.remapped_rows,"
           " h.remap_is_pending, n.id AS page_key"
           "  FROM node n JOIN zone z ON z.id = n.zone_id JOIN LATERAL"
           "       (SELECT * FROM node_health h WHERE h.node_id = n.id) h ON true"
           " WHERE n.id > coalesce($1::uuid, '00000000-0000-0000-0000-000000000000')"
           "   AND ($3::uuid IS NULL OR n.id = $3::uuid) AND ($4::text IS NULL OR z.name = $4::text)"
           "   AND n.retired_at IS NULL ORDER BY n.id LIMIT $2::bigint",
    .params = 4,
};

static enum err_kind nodes(struct request *request, struct response *response, struct err *reterr)
{
    return health_page(request, response, &statement_nodes, reterr);
}

/* ---- Errors ---- */

struct gpu_error {
    const char *node, *message;
    int64_t gpu, happened_at, xid;
};

// clang-format off
static const struct field error_fields[] = {
    FIELD_ID  ("node",        struct gpu_error, node, .identity = IDENTITY_NODE, .flags = FIELD_REQUIRED, .help = "The node"),
    FIELD_INT ("gpu",         struct gpu_error, gpu, .flags = FIELD_REQUIRED, .least = 0, .most = 1000, .example = "3", .help = "The GPU's number in the node, from 0"),
    FIELD_TIME("happened_at", struct gpu_error, happened_at, .flags = FIELD_REQUIRED, .help = "Domain time"),
    FIELD_INT ("xid",         struct gpu_error, xid, .flags = FIELD_REQUIRED, .least = 0, .most = 999, .example = "79", .help = "The driver's number for the kind of error (NVIDIA XID)"),
    FIELD_TEXT("message",     struct gpu_error, message, .fallback = "", .least = 0, .most = 255, .example = "GPU has fallen off the bus", .help = "What the driver wrote"),
    FIELDS_END,
};
static const struct field errors_fields[] = {
    FIELD_ROWS("items", struct report, items, .flags = FIELD_REQUIRED, .fields = error_fields, .size = sizeof(struct gpu_error), .least = 0, .most = REPORT_MAX, .help = "Told again, an error counts once"),
    FIELDS_END,
};
// clang-format on
static const struct schema error_schema = {"GpuError", error_fields, sizeof(struct gpu_error)};
static const struct schema errors_schema = {"GpuErrors", errors_fields, sizeof(struct report)};

static const struct db_stmt statement_errors = {
    .name = "gpu_errors",
    .sql =
        "SELECT e.node_id AS node, e.gpu, extract(epoch FROM e.happened_at)::bigint AS happened_at, e.xid, e.message,"
        " extract(epoch FROM e.happened_at)::bigint || ' ' || e.node_id || ' ' || e.gpu || ' ' || e.xid AS page_key"
        "  FROM gpu_error e JOIN node n ON n.id = e.node_id JOIN zone z ON z.id = n.zone_id"
        " WHERE ($1::text IS NULL OR (e.happened_at, e.node_id, e.gpu, e.xid)"
        "        < (to_timestamp(split_part($1, ' ', 1)::bigint), split_part($1, ' ', 2)::uuid,"
        "           split_part($1, ' ', 3)::integer, split_part($1, ' ', 4)::integer))"
        "   AND ($3::uuid IS NULL OR e.node_id = $3::uuid) AND ($4::text IS NULL OR z.name = $4::text)"
        " ORDER BY e.happened_at DESC, e.node_id DESC, e.gpu DESC, e.xid DESC LIMIT $2::bigint",
    .params = 4,
};

static const struct db_stmt statement_put_errors = {
    .name = "gpu_put_errors",
    .sql = "INSERT INTO gpu_error (node_id, gpu, happened_at, xid, message)"
           " SELECT x.node, x.gpu, to_timestamp(x.at), x.xid, x.message"
           "   FROM unnest($1::uuid[], $2::integer[], $3::bigint[], $4::integer[], $5::text[])"
           "        AS x (node, gpu, at, xid, message)"
           "  ORDER BY 1, 3, 2, 4"
           " ON CONFLICT DO NOTHING",
    .params = 5,
};

static enum err_kind list_errors(struct request *request, struct response *response, struct err *reterr)
{
    return health_page(request, response, &statement_errors, reterr);
}

static enum err_kind put_errors(struct request *request, struct response *response, struct err *reterr)
{
    const struct report *wish = request->body;
    const struct gpu_error *items = wish->items.items;
    CLEANUP(db_array_clear) struct db_array of_nodes = {0};
    CLEANUP(db_array_clear) struct db_array gpu_numbers = {0};
    CLEANUP(db_array_clear) struct db_array instants = {0};
    CLEANUP(db_array_clear) struct db_array xids = {0};
    CLEANUP(db_array_clear) struct db_array messages = {0};
    for (size_t i = 0; i < wish->items.count; i++) {
        db_array_text(&of_nodes, items[i].node);
        db_array_int(&gpu_numbers, items[i].gpu);
        db_array_int(&instants, items[i].happened_at);
        db_array_int(&xids, items[i].xid);
        db_array_text(&messages, items[i].message);
    }
    enum err_kind kind = check(request, &of_nodes, &gpu_numbers, &instants, "happened_at", reterr);
    if (kind != ERR_NONE)
        return kind;
    response->status = 204;
    return request_run(request, &statement_put_errors,
                       DB_PARAMS(db_array_param(&of_nodes), db_array_param(&gpu_numbers), db_array_param(&instants),
                                 db_array_param(&xids), db_array_param(&messages)),
                       NULL, reterr);
}

/* ---- Firmware ---- */

struct firmware {
    const char *versions;
};
// clang-format off
static const struct field firmware_fields[] = {
    FIELD_MAP("versions", struct firmware, versions, .flags = FIELD_REQUIRED, .example = "{\"vbios\": \"96.00.74.00.1a\"}", .help = "Version by component, all of them"),
    FIELD_COLUMN_WITH("reported_at", FIELD_TYPE_TIME, FIELD_NULLABLE, .help = "Domain time of the report; null: nobody has reported it"),
    FIELDS_END,
};
// clang-format on
static const struct schema firmware_schema = {"NodeFirmware", firmware_fields, sizeof(struct firmware)};

/* Reported as a whole: when it was is its revision, to the microsecond; and what, where a clock stands still. */
#define FIRMWARE_SELECT                                                                                                \
    "SELECT coalesce(f.versions, '{}') AS versions, extract(epoch FROM f.reported_at)::bigint AS reported_at,"         \
    " coalesce((extract(epoch FROM f.reported_at) * 1000000)::bigint, 1) AS wish_revision,"                            \
    " coalesce(left(md5(f.versions::text), 16), '0') AS status_revision"                                               \
    "  FROM node n LEFT JOIN node_firmware f ON f.node_id = n.id WHERE n.id = $1::uuid AND n.retired_at IS NULL"

static const struct db_stmt statement_firmware = {
    .name = "gpu_firmware",
    .sql = FIRMWARE_SELECT,
    .params = 1,
};

static const struct db_stmt statement_lock_firmware = {
    .name = "gpu_lock_firmware",
    .sql = FIRMWARE_SELECT " FOR UPDATE OF n",
    .params = 1,
};
static const struct object_lock firmware_lock = {.stmt = &statement_lock_firmware, .noun = "node"};

/* No row: there is no such node. */
static const struct db_stmt statement_put_firmware = {
    .name = "gpu_put_firmware",
    .sql = "INSERT INTO node_firmware (node_id, versions, reported_at)"
           " SELECT n.id, $2::jsonb, sluice_now() FROM node n WHERE n.id = $1::uuid AND n.retired_at IS NULL"
           " ON CONFLICT (node_id) DO UPDATE SET versions = excluded.versions, reported_at = excluded.reported_at",
    .params = 2,
};

static enum err_kind show_firmware(struct request *request, struct response *response, struct err *reterr)
{
    return answer_object(request, response, 200, &statement_firmware, request->object, "node", reterr);
}

static enum err_kind put_firmware(struct request *request, struct response *response, struct err *reterr)
{
    const struct firmware *wish = request->body;
    enum err_kind kind =
        request_run(request, &statement_put_firmware, DB_PARAMS(request->object, wish->versions), NULL, reterr);
    return kind == ERR_NONE ? show_firmware(request, response, reterr) : kind;
}

// clang-format off
#define LIST(schema) .query = &health_query_schema, .answer = &(schema), .is_list = true
#define OF_NODE(schema) .answer = &(schema), .is_list = true, .has_id = true, .id = IDENTITY_NODE
#define REPORT(schema) .body = &(schema), .status = 204, .problems = PROBLEMS("unknown_node")
#define FIRMWARE .answer = &firmware_schema, .has_id = true, .id = IDENTITY_NODE
static const struct route gpu_health_routes[] = {
    {GET,  "/v1/system/gpus",                ROLES_SYSTEM_READ,    RATE_READ,  LIST(gpu_schema), .run = gpus, .summary = "The newest reading of each GPU"},
    {GET,  "/v1/system/node-health",         ROLES_SYSTEM_READ,    RATE_READ,  LIST(node_health_schema), .run = nodes, .summary = "The readings of each node's GPUs in one row"},
    {POST, "/v1/system/gpu-readings",        ROLES_SYSTEM_OPERATE, RATE_WRITE, REPORT(readings_schema), .run = put_readings, .summary = "Report readings of GPUs"},
    {GET,  "/v1/system/gpu-errors",          ROLES_SYSTEM_READ,    RATE_READ,  LIST(error_schema), .run = list_errors, .summary = "Errors of GPUs, the newest first"},
    {POST, "/v1/system/gpu-errors",          ROLES_SYSTEM_OPERATE, RATE_WRITE, REPORT(errors_schema), .run = put_errors, .summary = "Report errors of GPUs"},
    {GET,  "/v1/system/nodes/{id}/gpus",     ROLES_SYSTEM_READ,    RATE_READ,  OF_NODE(gpu_schema), .run = gpus, .summary = "The newest reading of each GPU of a node"},
    {GET,  "/v1/system/nodes/{id}/health",   ROLES_SYSTEM_READ,    RATE_READ,  OF_NODE(node_health_schema), .run = nodes, .summary = "The readings of a node's GPUs in one row; none where nothing was reported"},
    {GET,  "/v1/system/nodes/{id}/firmware", ROLES_SYSTEM_READ,    RATE_READ,  FIRMWARE, .run = show_firmware, .summary = "What runs below the operating system of a node"},
    {PUT,  "/v1/system/nodes/{id}/firmware", ROLES_SYSTEM_OPERATE, RATE_WRITE, .body = &firmware_schema, FIRMWARE, .lock = &firmware_lock, .run = put_firmware, .summary = "Report what runs below the operating system of a node"},
    ROUTES_END,
};
// clang-format on

static const struct db_stmt *const gpu_health_statements[] = {
    &statement_gpus,       &statement_check,    &statement_put,           &statement_nodes,        &statement_errors,
    &statement_put_errors, &statement_firmware, &statement_lock_firmware, &statement_put_firmware, NULL};

const struct resource gpu_health_resource = {"gpus", gpu_health_routes, gpu_health_statements,
                                             "Health of GPUs, as exporters on the nodes report it."};
