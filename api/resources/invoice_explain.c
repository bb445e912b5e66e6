/* Explaining a cent: from a line of an invoice back to what was rated, to the price, to the intervals of usage and to
 * the events that they begin with, with the arithmetic spelled out. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/registry.h"
#include "api/server/answer.h"
#include "common/document_text.h"
#include "common/money.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct step {
    const char *what, *how, *result;
};

struct explained {
    const char *invoice;
    int64_t line_no;
    const char *description, *reservation;
    const char *price; /* JSON */
    int64_t gpu_milli_seconds;
    struct field_money amount_exact, net, rounding, tax_shown;
    int64_t day_count;
    const char *steps; /* JSON */
};

static const char *const classes[] = {"used", "unused", "unready", "failed", "preempted", NULL};

// clang-format off
static const struct field step_fields[] = {
    FIELD_TEXT("what",   struct step, what, .flags = FIELD_READ_ONLY, .help = "What is found by it"),
    FIELD_TEXT("how",    struct step, how, .flags = FIELD_READ_ONLY, .help = "The arithmetic, with its numbers"),
    FIELD_TEXT("result", struct step, result, .flags = FIELD_READ_ONLY, .help = "What it comes to"),
    FIELDS_END,
};

static const struct field explained_fields[] = {
    FIELD_ID   ("invoice",           struct explained, invoice, .identity = IDENTITY_INVOICE, .flags = FIELD_READ_ONLY, .help = "The invoice"),
    FIELD_INT  ("line_no",           struct explained, line_no, .flags = FIELD_READ_ONLY, .help = "Its line"),
    FIELD_TEXT ("description",       struct explained, description, .flags = FIELD_READ_ONLY, .help = "For people"),
    FIELD_ID   ("reservation",       struct explained, reservation, .identity = IDENTITY_RESERVATION, .flags = FIELD_READ_ONLY | FIELD_NULLABLE, .help = "The reservation; null: of none, as a fee"),
    FIELD_JSON ("price",             struct explained, price, .flags = FIELD_READ_ONLY | FIELD_NULLABLE, .help = "The version of the price as it was when the invoice was finalized; null: none"),
    FIELD_INT  ("gpu_milli_seconds", struct explained, gpu_milli_seconds, .flags = FIELD_READ_ONLY, .help = "Billed milli-GPU-seconds"),
    FIELD_MONEY("amount_exact",      struct explained, amount_exact, .flags = FIELD_READ_ONLY, .help = "What was rated, in micro-units"),
    FIELD_MONEY("net",               struct explained, net, .flags = FIELD_READ_ONLY | FIELD_MINOR, .help = "What is asked for"),
    FIELD_MONEY("rounding",          struct explained, rounding, .flags = FIELD_READ_ONLY, .help = "Net less the exact amount: posted to the account rounding"),
    FIELD_MONEY("tax_shown",         struct explained, tax_shown, .flags = FIELD_READ_ONLY | FIELD_MINOR, .help = "The line's share of the invoice's tax"),
    FIELD_INT  ("day_count",         struct explained, day_count, .flags = FIELD_READ_ONLY, .help = "How many rated lines it sums: GET .../explain/days; the usage behind them: GET .../explain/usage"),
    FIELD_JSON ("steps",             struct explained, steps, .flags = FIELD_READ_ONLY, .fields = step_fields, .is_list = true, .help = "The arithmetic, in its order"),
    FIELDS_END,
};

static const struct field day_fields[] = {
    FIELD_COLUMN("day",                        FIELD_TYPE_DATE, .help = "UTC day whose close rated it"),
    FIELD_COLUMN("seconds",                    FIELD_TYPE_INT, .help = "Instance-seconds added"),
    FIELD_COLUMN("gpu_milli_seconds",          FIELD_TYPE_INT, .help = "Milli-GPU-seconds added"),
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

static const struct schema explained_schema = {"InvoiceLineExplained", explained_fields, sizeof(struct explained)};
static const struct schema day_schema = {"InvoiceLineDay", day_fields, 0};
static const struct schema usage_schema = {"InvoiceLineUsage", usage_fields, 0};

/* The rated lines of an invoice's line: those of its group. */
#define OF_GROUP                                                                                                       \
    " r.tenant_id = l.tenant_id AND r.period_start = i.period_start"                                                   \
    " AND r.reservation_id IS NOT DISTINCT FROM l.reservation_id AND r.price_id IS NOT DISTINCT FROM l.price_id"       \
    " AND r.commitment_id IS NOT DISTINCT FROM l.commitment_id AND r.charge_category = l.charge_category"              \
    " AND r.charge_class IS NOT DISTINCT FROM l.charge_class AND r.corrects IS NOT DISTINCT FROM l.corrects"           \
    " AND r.reason IS NOT DISTINCT FROM l.reason"

/* Row-level security keeps a tenant to its own invoices, here and below. */
static const struct db_stmt statement_line = {
    .name = "invoice_explain_line",
    .sql =
        "SELECT l.invoice_id, l.line_no, l.description, l.reservation_id,"
        " coalesce((SELECT q FROM jsonb_array_elements(i.configuration->'prices') q WHERE q->>'id' = l.price_id::text),"
        "  (SELECT to_jsonb(p) FROM price p WHERE p.id = l.price_id)), l.gpu_milli_seconds, l.amount_u, l.net_minor,"
        " l.tax_shown_minor, l.unit_price_u, i.currency, i.net_minor, i.tax_minor, i.tax_rate_bp,"
        " (SELECT count(*) FROM rated_line r WHERE" OF_GROUP "), 1 AS wish_revision, i.status AS status_revision"
        " FROM invoice_line l JOIN invoice i ON i.id = l.invoice_id"
        " WHERE l.invoice_id = $1::uuid AND l.line_no = $2::integer",
    .params = 2,
};

enum {
    LINE_INVOICE,
    LINE_NO,
    LINE_DESCRIPTION,
    LINE_RESERVATION,
    LINE_PRICE,
    LINE_QUANTITY,
    LINE_AMOUNT,
    LINE_NET,
    LINE_TAX,
    LINE_UNIT_PRICE,
    LINE_CURRENCY,
    LINE_INVOICE_NET,
    LINE_INVOICE_TAX,
    LINE_TAX_RATE,
    LINE_DAYS,
};

static const struct db_stmt statement_days = {
    .name = "invoice_explain_days",
    .sql = "WITH told AS (SELECT r.*, sum(r.gpu_milli_seconds) OVER so_far AS total_quantity,"
           "   sum(r.amount_u) OVER so_far AS total_u FROM invoice_line l JOIN invoice i ON i.id = l.invoice_id"
           "   JOIN rated_line r ON" OF_GROUP " WHERE l.invoice_id = $3::uuid AND l.line_no = $4::integer"
           "  WINDOW so_far AS (ORDER BY r.id ROWS UNBOUNDED PRECEDING))"
           " SELECT day, seconds, gpu_milli_seconds, amount_u AS \"amount.amount_u\", currency AS \"amount.currency\","
           "  total_quantity::bigint AS total_gpu_milli_seconds, total_u::bigint AS \"total_amount.amount_u\","
           "  currency AS \"total_amount.currency\", list_u AS \"list_amount.amount_u\","
           "  currency AS \"list_amount.currency\", contracted_u AS \"contracted_amount.amount_u\","
           "  currency AS \"contracted_amount.currency\", effective_u AS \"effective_amount.amount_u\","
           "  currency AS \"effective_amount.currency\", id AS page_key"
           "  FROM told WHERE id > coalesce($1::bigint, 0) ORDER BY id LIMIT $2::bigint",
    .params = 4,
};

/* The key of a page is "start instance seq". An event says what its instance is from then on; what came within the
 * same second, the last revision tells. */
static const struct db_stmt statement_usage = {
    .name = "invoice_explain_usage",
    .sql =
        "WITH line AS ("
        "  SELECT l.reservation_id, coalesce(l.corrects, i.period_start) AS period_start,"
        "   CASE WHEN l.corrects IS NULL THEN i.period_end ELSE i.period_start END AS period_end,"
        "   lower(p.valid) AS valid_from, upper(p.valid) AS valid_until"
        "  FROM invoice_line l JOIN invoice i ON i.id = l.invoice_id LEFT JOIN price p ON p.id = l.price_id"
        "  WHERE l.invoice_id = $3::uuid AND l.line_no = $4::integer"
        "), piece AS ("
        "  SELECT u.instance_id, u.seq, u.class, u.gpu_milli, u.node_id, u.period_start AS began, r.tier,"
        "   greatest(u.period_start, n.period_start, n.valid_from) AS starts_at,"
        "   least(u.period_end, n.period_end, n.valid_until) AS ends_at"
        "  FROM line n JOIN usage_interval u ON u.reservation_id = n.reservation_id"
        "   AND u.period_start < n.period_end AND u.period_start > n.period_start - interval '1 day'"
        "  JOIN reservation r ON r.id = u.reservation_id"
        "  WHERE (u.period_start, u.instance_id, u.seq) >"
        "   (coalesce(to_timestamp(split_part($1::text, ' ', 1)::bigint), '-infinity'),"
        "    coalesce(split_part($1::text, ' ', 2)::uuid, '00000000-0000-0000-0000-000000000000'),"
        "    coalesce(split_part($1::text, ' ', 3)::integer, 0))"
        "), shown AS (SELECT * FROM piece WHERE starts_at < ends_at ORDER BY began, instance_id, seq LIMIT $2::bigint)"
        " SELECT s.instance_id AS instance, extract(epoch FROM s.starts_at)::bigint AS starts_at,"
        "  extract(epoch FROM s.ends_at)::bigint AS ends_at, s.class,"
        "  s.class = 'used' OR s.class = 'unused' AND s.tier <> 'preemptible' AS is_billed, s.gpu_milli,"
        "  s.gpu_milli * extract(epoch FROM s.ends_at - s.starts_at)::bigint AS gpu_milli_seconds, s.node_id AS node,"
        "  CASE WHEN e.xid IS NOT NULL THEN concat_ws('-', g.generation, e.xid, e.seq) END AS event,"
        "  e.kind AS event_kind, extract(epoch FROM e.occurred_at)::bigint AS event_at,"
        "  concat_ws(' ', extract(epoch FROM s.began)::bigint, s.instance_id, s.seq) AS page_key"
        "  FROM shown s CROSS JOIN event_generation g LEFT JOIN LATERAL ("
        "   SELECT e.xid, e.seq, e.kind, e.occurred_at FROM event e"
        "    WHERE e.object_id = s.instance_id AND e.object_type = 'instance' AND e.occurred_at <= s.began"
        "    ORDER BY e.object_revision DESC LIMIT 1) e ON true"
        "  ORDER BY s.began, s.instance_id, s.seq",
    .params = 4,
};

/* The number in the address; NULL where it is none. */
static const char *line_number(const struct request *request)
{
    const char *text = request->params[1];
    size_t digits = strspn(text, "0123456789");
    return digits > 0 && digits < 10 && text[digits] == '\0' ? text : NULL;
}

static enum err_kind find_line(struct request *request, const PGresult **ret, struct err *reterr)
{
    enum err_kind kind =
        request_run(request, &statement_line, DB_PARAMS(request->object, line_number(request)), ret, reterr);
    if (kind == ERR_NONE && PQntuples(*ret) == 0)
        return err_set(reterr, ERR_NOT_FOUND, "line '%.40s' of invoice '%.40s' does not exist", request->params[1],
                       request->params[0]);
    return kind;
}

static void add_step(struct json_out *out, const char *what, const char *how, const char *result)
{
    field_write_struct(step_fields, &(struct step){what, how, result}, out);
}

/* Every number that is needed to do it again stands in it. */
static const char *write_steps(struct request *request, const PGresult *line, int exponent)
{
    struct arena *arena = request->arena;
    struct json_out out;
    char net[DOCUMENT_TEXT_SIZE];
    char tax[DOCUMENT_TEXT_SIZE];
    char share[DOCUMENT_TEXT_SIZE];
    int64_t amount_u = db_int(line, 0, LINE_AMOUNT, 0);
    document_text_minor(db_int(line, 0, LINE_NET, 0), exponent, net);
    document_text_minor(db_int(line, 0, LINE_INVOICE_TAX, 0), exponent, tax);
    document_text_minor(db_int(line, 0, LINE_TAX, 0), exponent, share);
    json_out_init(&out, arena);
    json_out_open(&out, '[');
    add_step(&out, "quantity, in milli-GPU-seconds",
             arena_format(arena, "sum of %s rated lines", db_text(line, 0, LINE_DAYS)),
             db_text(line, 0, LINE_QUANTITY));
    if (db_text(line, 0, LINE_UNIT_PRICE) != NULL)
        add_step(&out, "exact amount, in micro-units",
                 arena_format(arena, "%s x %s / 3600000, half to even", db_text(line, 0, LINE_UNIT_PRICE),
                              db_text(line, 0, LINE_QUANTITY)),
                 db_text(line, 0, LINE_AMOUNT));
    else
        add_step(&out, "exact amount, in micro-units", "sum of the rated lines' amounts",
                 db_text(line, 0, LINE_AMOUNT));
    add_step(&out, "net",
             arena_format(arena, "%" PRId64 " micro-units in units of 10^%d, half away from zero", amount_u,
                          MONEY_MICRO_EXPONENT - exponent),
             arena_text(arena, net));
    add_step(&out, "tax of the invoice, in minor units",
             arena_format(arena, "%s x %s / 10000, half away from zero", db_text(line, 0, LINE_INVOICE_NET),
                          db_text(line, 0, LINE_TAX_RATE)),
             arena_text(arena, tax));
    add_step(&out, "share of the tax",
             arena_format(arena, "%s x %s / 10000, cut; the units that are missing go to the largest remainders",
                          db_text(line, 0, LINE_NET), db_text(line, 0, LINE_TAX_RATE)),
             arena_text(arena, share));
    json_out_close(&out, ']');
    return json_out_finish(&out);
}

static enum err_kind explain(struct request *request, struct response *response, struct err *reterr)
{
    const PGresult *line = NULL;
    int exponent = 0;
    int64_t net_u = 0;
    int64_t tax_u = 0;
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
    if (kind != ERR_NONE)
        return kind;
    const struct explained explained = {
        .invoice = db_text(line, 0, LINE_INVOICE),
        .line_no = db_int(line, 0, LINE_NO, 0),
        .description = db_text(line, 0, LINE_DESCRIPTION),
        .reservation = db_text(line, 0, LINE_RESERVATION),
        .price = db_text(line, 0, LINE_PRICE),
        .gpu_milli_seconds = db_int(line, 0, LINE_QUANTITY, 0),
        .amount_exact = {db_int(line, 0, LINE_AMOUNT, 0), currency},
        .net = {net_u, currency},
        .rounding = {net_u - db_int(line, 0, LINE_AMOUNT, 0), currency},
        .tax_shown = {tax_u, currency},
        .day_count = db_int(line, 0, LINE_DAYS, 0),
        .steps = write_steps(request, line, exponent),
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
               ? answer_page(request, response, stmt, DB_PARAMS(request->object, line_number(request)), reterr)
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

// clang-format off
#define ONE .has_id = true, .id = IDENTITY_INVOICE
static const struct route explain_routes[] = {
    {GET, "/v1/invoices/{id}/lines/{line_no}/explain",              ROLES_TENANT_MONEY, RATE_READ, .answer = &explained_schema, ONE, .run = explain, .summary = "How a line comes to what it is"},
    {GET, "/v1/invoices/{id}/lines/{line_no}/explain/days",         ROLES_TENANT_MONEY, RATE_READ, .answer = &day_schema, .is_list = true, ONE, .run = days, .summary = "What was rated for a line, day by day"},
    {GET, "/v1/invoices/{id}/lines/{line_no}/explain/usage",        ROLES_TENANT_MONEY, RATE_READ, .answer = &usage_schema, .is_list = true, ONE, .run = usage, .summary = "The intervals of usage behind a line, and their events"},
    {GET, "/v1/system/invoices/{id}/lines/{line_no}/explain",       ROLES_SYSTEM_READ,  RATE_READ, .answer = &explained_schema, ONE, .run = explain, .summary = "How a line comes to what it is"},
    {GET, "/v1/system/invoices/{id}/lines/{line_no}/explain/days",  ROLES_SYSTEM_READ,  RATE_READ, .answer = &day_schema, .is_list = true, ONE, .run = days, .summary = "What was rated for a line, day by day"},
    {GET, "/v1/system/invoices/{id}/lines/{line_no}/explain/usage", ROLES_SYSTEM_READ,  RATE_READ, .answer = &usage_schema, .is_list = true, ONE, .run = usage, .summary = "The intervals of usage behind a line, and their events"},
    ROUTES_END,
};
// clang-format on

static const struct db_stmt *const explain_statements[] = {&statement_line, &statement_days, &statement_usage, NULL};

const struct resource invoice_explain_resource = {"invoices", explain_routes, explain_statements, NULL};
