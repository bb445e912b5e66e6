/* Explaining a cent: from a line of an invoice back to what was rated, to the price, to the intervals of usage and to
 * the events that they begin with, with the arithmetic spelled out. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/invoice_explain.h"
#include "api/resources/registry.h"
#include "api/server/answer.h"
#include "common/money.h"

#include <string.h>

struct explained {
    const char *invoice;
    int64_t line_no;
    const char *description, *reservation, *reservation_name, *commitment;
    const char *price; /* JSON */
    int64_t gpu_milli_seconds;
    const char *meter, *unit;
    int64_t quantity;
    struct field_money amount_exact, net, rounding, tax_shown;
    int64_t day_count;
    const char *steps; /* JSON */
};

static const char *const capacities[] = {"used", "unused", NULL};
static const char *const classes[] = {"used", "unused", "unready", "failed", "preempted", NULL};

// clang-format off
static const struct field explained_fields[] = {
    FIELD_ID   ("invoice",           struct explained, invoice, .identity = IDENTITY_INVOICE, .flags = FIELD_READ_ONLY, .help = "The invoice"),
    FIELD_INT  ("line_no",           struct explained, line_no, .flags = FIELD_READ_ONLY, .help = "Its line"),
    FIELD_TEXT ("description",       struct explained, description, .flags = FIELD_READ_ONLY, .help = "For people"),
    FIELD_ID   ("reservation",       struct explained, reservation, .identity = IDENTITY_RESERVATION, .flags = FIELD_READ_ONLY | FIELD_NULLABLE, .help = "The reservation; null: of none, as a fee"),
    FIELD_TEXT ("reservation_name",  struct explained, reservation_name, .flags = FIELD_READ_ONLY | FIELD_NULLABLE, .help = "What people call it; null: it has no name"),
    FIELD_ID   ("commitment",        struct explained, commitment, .identity = IDENTITY_COMMITMENT, .flags = FIELD_READ_ONLY | FIELD_NULLABLE, .help = "The commitment that it is the fee of, or that covers it; null: none"),
    FIELD_JSON ("price",             struct explained, price, .flags = FIELD_READ_ONLY | FIELD_NULLABLE, .help = "The version of the price as it was when the invoice was finalized; null: none"),
    FIELD_INT  ("gpu_milli_seconds", struct explained, gpu_milli_seconds, .flags = FIELD_READ_ONLY, .help = "Billed milli-GPU-seconds; 0 of a meter"),
    FIELD_TEXT ("meter",             struct explained, meter, .flags = FIELD_READ_ONLY | FIELD_NULLABLE, .help = "Name of the meter that it is of; null: none"),
    FIELD_AMOUNT("quantity",         struct explained, quantity, .flags = FIELD_READ_ONLY | FIELD_NULLABLE, .help = "Of a meter: what is billed, in the unit, to the millionth"),
    FIELD_TEXT ("unit",              struct explained, unit, .flags = FIELD_READ_ONLY | FIELD_NULLABLE, .help = "Of a meter: the unit that is priced"),
    FIELD_MONEY("amount_exact",      struct explained, amount_exact, .flags = FIELD_READ_ONLY, .help = "What was rated, in micro-units"),
    FIELD_MONEY("net",               struct explained, net, .flags = FIELD_READ_ONLY | FIELD_MINOR, .help = "What is asked for"),
    FIELD_MONEY("rounding",          struct explained, rounding, .flags = FIELD_READ_ONLY, .help = "Net less the exact amount: posted to the account rounding"),
    FIELD_MONEY("tax_shown",         struct explained, tax_shown, .flags = FIELD_READ_ONLY | FIELD_MINOR, .help = "The line's share of the invoice's tax"),
    FIELD_INT  ("day_count",         struct explained, day_count, .flags = FIELD_READ_ONLY, .help = "How many rated lines it sums: GET .../explain/days; the usage behind them: GET .../explain/usage and GET .../explain/corrections; of a meter GET .../explain/readings"),
    FIELD_JSON ("steps",             struct explained, steps, .flags = FIELD_READ_ONLY, .fields = explain_step_fields, .is_list = true, .help = "The arithmetic, in its order"),
    FIELDS_END,
};

static const struct field day_fields[] = {
    FIELD_COLUMN("day",                        FIELD_TYPE_DATE, .help = "UTC day whose close rated it"),
    FIELD_COLUMN_WITH("capacity",              FIELD_TYPE_ENUM, FIELD_NULLABLE, .values = capacities, .help = "Whether its instances ran, or were held and stopped; null: of no usage, or of the whole of it"),
    FIELD_COLUMN_WITH("window",                FIELD_TYPE_INT, FIELD_NULLABLE, .help = "Which of the price's windows of the day held, from 1; null: none, the base price"),
    FIELD_COLUMN_WITH("discount",              FIELD_TYPE_ID, FIELD_NULLABLE, .identity = IDENTITY_DISCOUNT, .help = "The discount that held; null: none"),
    FIELD_COLUMN("seconds",                    FIELD_TYPE_INT, .help = "Instance-seconds added"),
    FIELD_COLUMN("gpu_milli_seconds",          FIELD_TYPE_INT, .help = "Milli-GPU-seconds added"),
    FIELD_COLUMN_WITH("quantity",              FIELD_TYPE_AMOUNT, FIELD_NULLABLE, .help = "Of a meter: added, in the unit that is priced, to the millionth"),
    FIELD_COLUMN("amount",                     FIELD_TYPE_MONEY, .help = "Billed: the rating of all so far, rounded once half to even, less what was rated before"),
    FIELD_COLUMN("total_gpu_milli_seconds",    FIELD_TYPE_INT, .help = "Milli-GPU-seconds so far"),
    FIELD_COLUMN("total_amount",               FIELD_TYPE_MONEY, .help = "Billed so far"),
    FIELD_COLUMN("list_amount",                FIELD_TYPE_MONEY, .help = "The same at the list price"),
    FIELD_COLUMN("contracted_amount",          FIELD_TYPE_MONEY, .help = "The same at the contracted price"),
    FIELD_COLUMN("effective_amount",           FIELD_TYPE_MONEY, .help = "The same once fees are spread over what they cover"),
    FIELDS_END,
};

static const struct field usage_fields[] = {
    FIELD_COLUMN("instance",          FIELD_TYPE_ID, .identity = IDENTITY_INSTANCE, .help = "The instance"),
    FIELD_COLUMN("starts_at",         FIELD_TYPE_TIME, .help = "The interval, inclusive, as far as it is within the period and the price's validity"),
    FIELD_COLUMN("ends_at",           FIELD_TYPE_TIME, .help = "Exclusive"),
    FIELD_COLUMN("class",             FIELD_TYPE_ENUM, .values = classes, .help = "What its seconds are"),
    FIELD_COLUMN("is_billed",         FIELD_TYPE_BOOL, .help = "Whether seconds of this class are billed in its tier"),
    FIELD_COLUMN("gpu_milli",         FIELD_TYPE_INT, .help = "Its size, in thousandths of a GPU"),
    FIELD_COLUMN("gpu_milli_seconds", FIELD_TYPE_INT, .help = "Size times seconds"),
    FIELD_COLUMN_WITH("node",         FIELD_TYPE_ID, FIELD_NULLABLE, .identity = IDENTITY_NODE, .help = "What held it; null: none"),
    FIELD_COLUMN_WITH("event",        FIELD_TYPE_TEXT, FIELD_NULLABLE, .help = "Id of the event that says what it was then; null: the log no longer has it"),
    FIELD_COLUMN_WITH("event_kind",   FIELD_TYPE_TEXT, FIELD_NULLABLE, .help = "What it says, e.g. instance.running"),
    FIELD_COLUMN_WITH("event_at",     FIELD_TYPE_TIME, FIELD_NULLABLE, .help = "When that happened"),
    FIELDS_END,
};
// clang-format on

// clang-format off
static const struct field correction_fields[] = {
    FIELD_COLUMN("id",                FIELD_TYPE_ID, .identity = IDENTITY_CORRECTION, .help = "The usage correction"),
    FIELD_COLUMN("starts_at",         FIELD_TYPE_TIME, .help = "Inclusive, as far as it is within the period and the price's validity"),
    FIELD_COLUMN("ends_at",           FIELD_TYPE_TIME, .help = "Exclusive"),
    FIELD_COLUMN("gpu_milli",         FIELD_TYPE_INT, .help = "Thousandths of a GPU that are billed besides; negative: taken back"),
    FIELD_COLUMN("gpu_milli_seconds", FIELD_TYPE_INT, .help = "Size times seconds"),
    FIELD_COLUMN("reason",            FIELD_TYPE_TEXT, .help = "Why"),
    FIELD_COLUMN("created_at",        FIELD_TYPE_TIME, .help = "Domain time: it was rated with this day"),
    FIELDS_END,
};
// clang-format on

// clang-format off
static const struct field reading_fields[] = {
    FIELD_COLUMN("event",        FIELD_TYPE_TEXT, .help = "The agent's id of it"),
    FIELD_COLUMN_WITH("from",    FIELD_TYPE_TIME, FIELD_NULLABLE, .help = "Inclusive; null: of an instant"),
    FIELD_COLUMN("to",           FIELD_TYPE_TIME, .help = "Exclusive"),
    FIELD_COLUMN("quantity",     FIELD_TYPE_AMOUNT, .help = "As reported, in the meter's unit"),
    FIELD_COLUMN("counts",       FIELD_TYPE_AMOUNT, .help = "What counts, in the unit that is priced, to the millionth"),
    FIELD_COLUMN("received_at",  FIELD_TYPE_TIME, .help = "Domain time"),
    FIELD_COLUMN("counted_with", FIELD_TYPE_DATE, .help = "UTC day whose close rated it"),
    FIELDS_END,
};
// clang-format on

static const struct schema explained_schema = {"InvoiceLineExplained", explained_fields, sizeof(struct explained)};
static const struct schema day_schema = {"InvoiceLineDay", day_fields, 0};
static const struct schema usage_schema = {"InvoiceLineUsage", usage_fields, 0};
static const struct schema correction_schema = {"InvoiceLineCorrection", correction_fields, 0};
static const struct schema reading_schema = {"InvoiceLineReading", reading_fields, 0};

/* The rated lines of an invoice's line: those of its group. */
#define OF_GROUP                                                                                                       \
    " r.tenant_id = l.tenant_id AND r.period_start = i.period_start"                                                   \
    " AND r.reservation_id IS NOT DISTINCT FROM l.reservation_id AND r.price_id IS NOT DISTINCT FROM l.price_id"       \
    " AND r.commitment_id IS NOT DISTINCT FROM l.commitment_id AND r.charge_category = l.charge_category"              \
    " AND r.charge_class IS NOT DISTINCT FROM l.charge_class AND r.corrects IS NOT DISTINCT FROM l.corrects"           \
    " AND r.reason IS NOT DISTINCT FROM l.reason"

/* Row-level security keeps a tenant to its own invoices, here and below. Columns are enum explain_line_column. */
static const struct db_stmt statement_line = {
    .name = "invoice_explain_line",
    .sql =
        "SELECT l.invoice_id, l.line_no, l.description, l.reservation_id,"
        " coalesce((SELECT q FROM jsonb_array_elements(i.configuration->'prices') q WHERE q->>'id' = l.price_id::text),"
        "  (SELECT to_jsonb(p) FROM price p WHERE p.id = l.price_id)), l.gpu_milli_seconds + l.meter_quantity,"
        " l.amount_u, l.net_minor, l.tax_shown_minor, i.currency, i.net_minor, i.tax_minor, i.tax_rate_bp,"
        " (SELECT count(*) FROM rated_line r WHERE" OF_GROUP "), l.commitment_id, l.charge_category, l.reason,"
        " to_char(l.corrects AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'),"
        " l.reservation_name,"
        " m.name, CASE m.aggregation WHEN 'sum' THEN 'thousandths of ' || m.unit"
        "   WHEN 'level' THEN 'thousandths of ' || m.unit || ' x seconds' ELSE 'milli-GPU-seconds' END,"
        " coalesce(meter_per_unit(m.aggregation), 3600000), meter_micro_units(m.aggregation, l.meter_quantity),"
        " meter_priced_unit(m.aggregation, m.unit),"
        " 1 AS wish_revision, left(md5(concat_ws(' ', i.status, i.drawn_up_at)), 16) AS status_revision"
        " FROM invoice_line l JOIN invoice i ON i.id = l.invoice_id LEFT JOIN meter m ON m.id = l.meter_id"
        " WHERE l.invoice_id = $1::uuid AND l.line_no = $2::integer",
    .params = 2,
};

static const struct db_stmt statement_days = {
    .name = "invoice_explain_days",
    .sql = "WITH told AS (SELECT r.*, meter_micro_units(m.aggregation, r.meter_quantity) AS micro_units,"
           "  sum(r.gpu_milli_seconds) OVER so_far AS total_quantity,"
           "   sum(r.amount_u) OVER so_far AS total_u FROM invoice_line l JOIN invoice i ON i.id = l.invoice_id"
           "   JOIN rated_line r ON" OF_GROUP
           " LEFT JOIN meter m ON m.id = r.meter_id WHERE l.invoice_id = $3::uuid AND l.line_no = $4::integer"
           "  WINDOW so_far AS (ORDER BY r.id ROWS UNBOUNDED PRECEDING))"
           " SELECT day, capacity_status AS capacity, nullif(window_no, 0) AS \"window\", discount_id AS discount,"
           "  seconds, gpu_milli_seconds, micro_units AS quantity, amount_u AS \"amount.amount_u\","
           "  currency AS \"amount.currency\","
           "  total_quantity::bigint AS total_gpu_milli_seconds, total_u::bigint AS \"total_amount.amount_u\","
           "  currency AS \"total_amount.currency\", list_u AS \"list_amount.amount_u\","
           "  currency AS \"list_amount.currency\", contracted_u AS \"contracted_amount.amount_u\","
           "  currency AS \"contracted_amount.currency\", effective_u AS \"effective_amount.amount_u\","
           "  currency AS \"effective_amount.currency\", id AS page_key"
           "  FROM told WHERE id > coalesce($1::bigint, 0) ORDER BY id LIMIT $2::bigint",
    .params = 4,
};

/* None of it is behind a line of a meter. */
#define GPU_TIME_SCOPE                                                                                                 \
    "SELECT s.* FROM invoice_line l, invoice_line_scope($3::uuid, $4::integer) s"                                      \
    " WHERE l.invoice_id = $3::uuid AND l.line_no = $4::integer AND l.meter_id IS NULL"

/* The key of a page is "start instance seq from". An event says what its instance is from then on; what came within the
 * same second, the last revision tells. What was metered late was not known to earlier invoices. */
static const struct db_stmt statement_usage = {
    .name = "invoice_explain_usage",
    .sql =
        "WITH scope AS MATERIALIZED (" GPU_TIME_SCOPE "), shown AS ("
        "  SELECT u.instance_id, u.seq, u.class, u.gpu_milli, u.node_id, u.period_start AS began, r.tier,"
        "   lower(h.held) AS starts_at, upper(h.held) AS ends_at"
        "  FROM scope n JOIN usage_interval u ON u.reservation_id = n.reservation_id"
        "   AND u.period_start < upper(n.within) AND u.period_start > lower(n.within) - interval '1 day'"
        "  JOIN reservation r ON r.id = u.reservation_id"
        " CROSS JOIN LATERAL unnest(n.holds * tstzmultirange(tstzrange(u.period_start, u.period_end))) AS h (held)"
        "  WHERE (n.gpu_model IS NULL OR gpu_model_of_node(u.node_id) = n.gpu_model)"
        "   AND NOT EXISTS (SELECT FROM late_usage w WHERE w.period_start = u.period_start"
        "    AND w.instance_id = u.instance_id AND w.seq = u.seq AND w.rated_with >= (n.known AT TIME ZONE "
        "'UTC')::date)"
        "   AND (u.period_start, u.instance_id, u.seq, lower(h.held)) >"
        "   (coalesce(to_timestamp(split_part($1::text, ' ', 1)::bigint), '-infinity'),"
        "    coalesce(split_part($1::text, ' ', 2)::uuid, '00000000-0000-0000-0000-000000000000'),"
        "    coalesce(split_part($1::text, ' ', 3)::integer, 0),"
        "    coalesce(to_timestamp(split_part($1::text, ' ', 4)::bigint), '-infinity'))"
        "  ORDER BY u.period_start, u.instance_id, u.seq, lower(h.held) LIMIT $2::bigint)"
        " SELECT s.instance_id AS instance, extract(epoch FROM s.starts_at)::bigint AS starts_at,"
        "  extract(epoch FROM s.ends_at)::bigint AS ends_at, s.class,"
        "  s.class = 'used' OR s.class = 'unused' AND s.tier <> 'preemptible' AS is_billed, s.gpu_milli,"
        "  s.gpu_milli * extract(epoch FROM s.ends_at - s.starts_at)::bigint AS gpu_milli_seconds, s.node_id AS node,"
        "  CASE WHEN e.xid IS NOT NULL THEN concat_ws('-', g.generation, e.xid, e.seq) END AS event,"
        "  e.kind AS event_kind, extract(epoch FROM e.occurred_at)::bigint AS event_at,"
        "  concat_ws(' ', extract(epoch FROM s.began)::bigint, s.instance_id, s.seq,"
        "   extract(epoch FROM s.starts_at)::bigint) AS page_key"
        "  FROM shown s CROSS JOIN event_generation g LEFT JOIN LATERAL ("
        "   SELECT e.xid, e.seq, e.kind, e.occurred_at FROM event e"
        "    WHERE e.object_id = s.instance_id AND e.object_type = 'instance' AND e.occurred_at <= s.began"
        "    ORDER BY e.object_revision DESC LIMIT 1) e ON true"
        "  ORDER BY s.began, s.instance_id, s.seq, s.starts_at",
    .params = 4,
};

static const struct db_stmt statement_corrections = {
    .name = "invoice_explain_corrections",
    .sql = "WITH scope AS MATERIALIZED (" GPU_TIME_SCOPE ")"
           " SELECT c.id, extract(epoch FROM lower(h.held))::bigint AS starts_at,"
           "  extract(epoch FROM upper(h.held))::bigint AS ends_at, c.gpu_milli,"
           "  c.gpu_milli * extract(epoch FROM upper(h.held) - lower(h.held))::bigint AS gpu_milli_seconds, c.reason,"
           "  extract(epoch FROM c.created_at)::bigint AS created_at,"
           "  concat_ws(' ', c.id, extract(epoch FROM lower(h.held))::bigint) AS page_key"
           "  FROM scope n JOIN usage_correction c ON c.tenant_id = n.tenant_id AND c.reservation_id = n.reservation_id"
           "   AND c.starts_at < upper(n.within) AND c.ends_at > lower(n.within) AND c.created_at < n.known"
           "   AND (n.gpu_model IS NULL OR c.gpu_model = n.gpu_model)"
           " CROSS JOIN LATERAL unnest(n.holds * tstzmultirange(tstzrange(c.starts_at, c.ends_at))) AS h (held)"
           " WHERE (c.id, lower(h.held)) >"
           "   (coalesce(split_part($1::text, ' ', 1)::uuid, '00000000-0000-0000-0000-000000000000'),"
           "    coalesce(to_timestamp(split_part($1::text, ' ', 2)::bigint), '-infinity'))"
           " ORDER BY c.id, lower(h.held) LIMIT $2::bigint",
    .params = 4,
};

/* Readings of the line's meter whose last second its price held for. The key of a page is "end event". */
static const struct db_stmt statement_readings = {
    .name = "invoice_explain_readings",
    .sql =
        "SELECT d.event_id AS event, extract(epoch FROM d.from_at)::bigint AS \"from\","
        "  extract(epoch FROM d.to_at)::bigint AS \"to\", d.quantity_milli * 1000 AS quantity,"
        "  meter_micro_units(m.aggregation, d.quantity_milli *"
        "   CASE m.aggregation WHEN 'level' THEN extract(epoch FROM d.to_at - d.from_at)::bigint ELSE 1 END) AS counts,"
        "  extract(epoch FROM d.received_at)::bigint AS received_at, c.counted_with,"
        "  concat_ws(' ', extract(epoch FROM d.to_at)::bigint, d.event_id) AS page_key"
        "  FROM invoice_line_scope($3::uuid, $4::integer) n"
        "  JOIN invoice_line l ON l.invoice_id = $3::uuid AND l.line_no = $4::integer"
        "  JOIN meter m ON m.id = l.meter_id"
        "  JOIN meter_reading d ON d.reservation_id = l.reservation_id AND d.meter_id = l.meter_id"
        "   AND d.to_at > lower(n.within) AND d.to_at <= upper(n.within) AND n.holds @> d.to_at - interval '1 second'"
        "   AND (d.to_at, d.event_id) > (coalesce(to_timestamp(split_part($1::text, ' ', 1)::bigint), '-infinity'),"
        "    coalesce(substr($1::text, strpos($1::text, ' ') + 1), ''))"
        " CROSS JOIN LATERAL (SELECT meter_counted_with(d.to_at, d.xid, d.seq) AS counted_with) c"
        " WHERE (c.counted_with + 1)::timestamp AT TIME ZONE 'UTC' <= n.known"
        " ORDER BY d.to_at, d.event_id LIMIT $2::bigint",
    .params = 4,
};

const char *explain_line_number(const struct request *request)
{
    const char *text = request->params[1];
    size_t digits = strspn(text, "0123456789");
    return digits > 0 && digits < 10 && text[digits] == '\0' ? text : NULL;
}

static enum err_kind find_line(struct request *request, const PGresult **ret, struct err *reterr)
{
    enum err_kind kind =
        request_run(request, &statement_line, DB_PARAMS(request->object, explain_line_number(request)), ret, reterr);
    if (kind == ERR_NONE && PQntuples(*ret) == 0)
        return err_set(reterr, ERR_NOT_FOUND, "line '%.40s' of invoice '%.40s' does not exist", request->params[1],
                       request->params[0]);
    return kind;
}

static enum err_kind explain(struct request *request, struct response *response, struct err *reterr)
{
    const PGresult *line = NULL;
    int exponent = 0;
    int64_t net_u = 0;
    int64_t tax_u = 0;
    const char *steps = NULL;
    enum err_kind kind = find_line(request, &line, reterr);
    if (kind != ERR_NONE)
        return kind;
    if (response_is_known(request, response, line, 0))
        return ERR_NONE;
    const char *currency = db_text(line, 0, LINE_CURRENCY);
    kind = money_exponent(currency, &exponent, reterr);
    if (kind == ERR_NONE)
        kind = money_micro_of_minor(db_int(line, 0, LINE_NET, 0), exponent, &net_u, reterr);
    if (kind == ERR_NONE)
        kind = money_micro_of_minor(db_int(line, 0, LINE_TAX, 0), exponent, &tax_u, reterr);
    if (kind == ERR_NONE)
        kind = explain_steps(request, line, exponent, &steps, reterr);
    if (kind != ERR_NONE)
        return kind;
    const struct explained explained = {
        .invoice = db_text(line, 0, LINE_INVOICE),
        .line_no = db_int(line, 0, LINE_NO, 0),
        .description = db_text(line, 0, LINE_DESCRIPTION),
        .reservation = db_text(line, 0, LINE_RESERVATION),
        .reservation_name = db_text(line, 0, LINE_RESERVATION_NAME),
        .commitment = db_text(line, 0, LINE_COMMITMENT),
        .price = db_text(line, 0, LINE_PRICE),
        .gpu_milli_seconds = db_text(line, 0, LINE_METER) == NULL ? db_int(line, 0, LINE_QUANTITY, 0) : 0,
        .meter = db_text(line, 0, LINE_METER),
        .quantity = db_int(line, 0, LINE_MICRO_UNITS, FIELD_NULL),
        .unit = db_text(line, 0, LINE_UNIT),
        .amount_exact = {db_int(line, 0, LINE_AMOUNT, 0), currency},
        .net = {net_u, currency},
        .rounding = {net_u - db_int(line, 0, LINE_AMOUNT, 0), currency},
        .tax_shown = {tax_u, currency},
        .day_count = db_int(line, 0, LINE_DAYS, 0),
        .steps = steps,
    };
    response_struct(response, 200, explained_fields, &explained);
    return ERR_NONE;
}

static enum err_kind list(struct request *request, struct response *response, const struct db_stmt *stmt,
                          struct err *reterr)
{
    const PGresult *line = NULL;
    enum err_kind kind = find_line(request, &line, reterr);
    return kind == ERR_NONE
               ? answer_page(request, response, stmt, DB_PARAMS(request->object, explain_line_number(request)), reterr)
               : kind;
}

static enum err_kind days(struct request *request, struct response *response, struct err *reterr)
{
    return list(request, response, &statement_days, reterr);
}

static enum err_kind usage(struct request *request, struct response *response, struct err *reterr)
{
    return list(request, response, &statement_usage, reterr);
}

static enum err_kind corrections(struct request *request, struct response *response, struct err *reterr)
{
    return list(request, response, &statement_corrections, reterr);
}

static enum err_kind readings(struct request *request, struct response *response, struct err *reterr)
{
    return list(request, response, &statement_readings, reterr);
}

// clang-format off
#define ONE .has_id = true, .id = IDENTITY_INVOICE
static const struct route explain_routes[] = {
    {GET, "/v1/invoices/{id}/lines/{line_no}/explain",              ROLES_TENANT_MONEY, RATE_READ, .answer = &explained_schema, ONE, .run = explain, .summary = "How a line comes to what it is"},
    {GET, "/v1/invoices/{id}/lines/{line_no}/explain/days",         ROLES_TENANT_MONEY, RATE_READ, .answer = &day_schema, .is_list = true, ONE, .run = days, .summary = "What was rated for a line, day by day"},
    {GET, "/v1/invoices/{id}/lines/{line_no}/explain/usage",        ROLES_TENANT_MONEY, RATE_READ, .answer = &usage_schema, .is_list = true, ONE, .run = usage, .summary = "The intervals of usage behind a line, and their events"},
    {GET, "/v1/invoices/{id}/lines/{line_no}/explain/corrections", ROLES_TENANT_MONEY, RATE_READ, .answer = &correction_schema, .is_list = true, ONE, .run = corrections, .summary = "The usage corrections behind a line"},
    {GET, "/v1/invoices/{id}/lines/{line_no}/explain/readings",    ROLES_TENANT_MONEY, RATE_READ, .answer = &reading_schema, .is_list = true, ONE, .run = readings, .summary = "The readings of its meter behind a line"},
    {GET, "/v1/system/invoices/{id}/lines/{line_no}/explain",       ROLES_SYSTEM_READ,  RATE_READ, .answer = &explained_schema, ONE, .run = explain, .summary = "How a line comes to what it is"},
    {GET, "/v1/system/invoices/{id}/lines/{line_no}/explain/days",  ROLES_SYSTEM_READ,  RATE_READ, .answer = &day_schema, .is_list = true, ONE, .run = days, .summary = "What was rated for a line, day by day"},
    {GET, "/v1/system/invoices/{id}/lines/{line_no}/explain/usage", ROLES_SYSTEM_READ,  RATE_READ, .answer = &usage_schema, .is_list = true, ONE, .run = usage, .summary = "The intervals of usage behind a line, and their events"},
    {GET, "/v1/system/invoices/{id}/lines/{line_no}/explain/corrections", ROLES_SYSTEM_READ, RATE_READ, .answer = &correction_schema, .is_list = true, ONE, .run = corrections, .summary = "The usage corrections behind a line"},
    {GET, "/v1/system/invoices/{id}/lines/{line_no}/explain/readings",   ROLES_SYSTEM_READ, RATE_READ, .answer = &reading_schema, .is_list = true, ONE, .run = readings, .summary = "The readings of its meter behind a line"},
    ROUTES_END,
};
// clang-format on

static const struct db_stmt *const explain_statements[] = {
    &statement_line, &statement_days, &statement_usage, &statement_corrections, &statement_readings, NULL};

const struct resource invoice_explain_resource = {"invoices", explain_routes, explain_statements, NULL};
