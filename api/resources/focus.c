/* FOCUS 1.4: the four data sets of the FinOps Open Cost and Usage Specification, per billing account and month, in its
 * own column names. As CSV they are what its validators and the tools of tenants read. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/registry.h"
#include "api/server/answer.h"

struct focus_query {
    const char *month;
    const char *tenant;
};

// clang-format off
#define MONTH_FIELD \
    FIELD_DATE("month", struct focus_query, month, .flags = FIELD_REQUIRED, .help = "First day of the billing month, as the account's own calendar has it")
static const struct field query_fields[] = {
    MONTH_FIELD,
    FIELDS_END,
};
static const struct field system_query_fields[] = {
    MONTH_FIELD,
    FIELD_TEXT("tenant", struct focus_query, tenant, .flags = FIELD_REQUIRED, .least = 1, .most = 63, .help = "The billing account: name of a tenant"),
    FIELDS_END,
};
static const struct schema query_schema = {"FocusQuery", query_fields, sizeof(struct focus_query)};
static const struct schema system_query_schema = {"SystemFocusQuery", system_query_fields, sizeof(struct focus_query)};

static const struct field account_query_fields[] = {
    FIELD_TEXT("tenant", struct focus_query, tenant, .flags = FIELD_REQUIRED, .least = 1, .most = 63, .help = "The billing account: name of a tenant"),
    FIELDS_END,
};
static const struct schema account_query_schema = {"FocusAccountQuery", account_query_fields, sizeof(struct focus_query)};

static const char *const charge_categories[] = {"Usage", "Purchase", "Tax", "Credit", "Adjustment", NULL};
static const char *const charge_classes[] = {"Correction", NULL};
static const char *const frequencies[] = {"One-Time", "Recurring", "Usage-Based", NULL};
static const char *const used_or_unused[] = {"Used", "Unused", NULL};
static const char *const commitment_categories[] = {"Spend", "Usage", NULL};
static const char *const pricing_categories[] = {"Standard", "Dynamic", "Committed", "Other", NULL};

#define NULLABLE(name_, type_, ...) FIELD_COLUMN_WITH(name_, type_, FIELD_NULLABLE, __VA_ARGS__)

#define COST_AND_USAGE_FIELDS                                                                                                                          \
    NULLABLE    ("AvailabilityZone",   FIELD_TYPE_TEXT, .help = "Zone of the reservation"),                                                            \
    FIELD_COLUMN("BilledCost",         FIELD_TYPE_AMOUNT, .help = "What is invoiced; the charges of an invoice sum to its total exactly"),             \
    FIELD_COLUMN("BillingAccountId",   FIELD_TYPE_ID, .identity = IDENTITY_TENANT, .help = "The tenant"),                                              \
    FIELD_COLUMN("BillingAccountName", FIELD_TYPE_TEXT, .help = "Its name"),                                                                           \
    FIELD_COLUMN("BillingCurrency",    FIELD_TYPE_TEXT, .help = "ISO 4217"),                                                                           \
    FIELD_COLUMN("BillingPeriodEnd",   FIELD_TYPE_TIME, .help = "Exclusive"),                                                                          \
    FIELD_COLUMN("BillingPeriodStart", FIELD_TYPE_TIME, .help = "Inclusive"),                                                                          \
    NULLABLE    ("CapacityReservationId", FIELD_TYPE_ID, .identity = IDENTITY_RESERVATION, .help = "The reservation that held the capacity"),          \
    NULLABLE    ("CapacityReservationStatus", FIELD_TYPE_ENUM, .values = used_or_unused, .help = "Whether its instances ran, or were held and stopped"), \
    FIELD_COLUMN("ChargeCategory",     FIELD_TYPE_ENUM, .values = charge_categories, .help = "Rounding of an invoice's lines to the smallest unit is an Adjustment"), \
    NULLABLE    ("ChargeClass",        FIELD_TYPE_ENUM, .values = charge_classes, .help = "Correction: of a period that was invoiced before"),         \
    NULLABLE    ("ChargeDescription",  FIELD_TYPE_TEXT, .help = "For people"),                                                                         \
    FIELD_COLUMN("ChargeFrequency",    FIELD_TYPE_ENUM, .values = frequencies, .help = "How often such a charge comes"),                               \
    FIELD_COLUMN("ChargePeriodEnd",    FIELD_TYPE_TIME, .help = "Exclusive"),                                                                          \
    FIELD_COLUMN("ChargePeriodStart",  FIELD_TYPE_TIME, .help = "Inclusive: usage is by UTC day"),                                                     \
    NULLABLE    ("CommitmentDiscountCategory", FIELD_TYPE_ENUM, .values = commitment_categories, .help = "Whether it is of money or of GPU-hours"),    \
    NULLABLE    ("CommitmentDiscountId", FIELD_TYPE_ID, .identity = IDENTITY_COMMITMENT, .help = "The commitment"),                                    \
    NULLABLE    ("CommitmentDiscountName", FIELD_TYPE_TEXT, .help = "What it is of"),                                                                  \
    NULLABLE    ("CommitmentDiscountQuantity", FIELD_TYPE_AMOUNT, .help = "GPU-hours or money committed, used or not used"),                           \
    NULLABLE    ("CommitmentDiscountStatus", FIELD_TYPE_ENUM, .values = used_or_unused, .help = "Of usage charges"),                                   \
    NULLABLE    ("CommitmentDiscountType", FIELD_TYPE_TEXT, .help = "The kind of commitment"),                                                         \
    NULLABLE    ("CommitmentDiscountUnit", FIELD_TYPE_TEXT, .help = "Hours, or the currency"),                                                         \
    NULLABLE    ("ConsumedQuantity",   FIELD_TYPE_AMOUNT, .help = "GPU-hours delivered"),                                                              \
    NULLABLE    ("ConsumedUnit",       FIELD_TYPE_TEXT, .help = "Hours"),                                                                              \
    NULLABLE    ("ContractApplied",    FIELD_TYPE_JSON, .help = "The contract commitment that the charge is applied to"),                              \
    FIELD_COLUMN("ContractedCost",     FIELD_TYPE_AMOUNT, .help = "At contracted prices, discounts taken off"),                                        \
    NULLABLE    ("ContractedUnitPrice", FIELD_TYPE_AMOUNT, .help = "ContractedCost / PricingQuantity"),                                                \
    FIELD_COLUMN("EffectiveCost",      FIELD_TYPE_AMOUNT, .help = "Commitment fees spread over what they cover"),                                      \
    NULLABLE    ("HostProviderName",   FIELD_TYPE_TEXT, .help = "Whose hardware it is"),                                                               \
    NULLABLE    ("InvoiceDetailId",    FIELD_TYPE_TEXT, .help = "Line of the invoice or credit note; null until it is issued"),                                       \
    NULLABLE    ("InvoiceId",          FIELD_TYPE_TEXT, .help = "Number of the invoice, or of the credit note; null until it is issued"),                                     \
    FIELD_COLUMN("InvoiceIssuerName",  FIELD_TYPE_TEXT, .help = "Who issues it"),                                                                      \
    FIELD_COLUMN("ListCost",           FIELD_TYPE_AMOUNT, .help = "At list prices"),                                                                   \
    NULLABLE    ("ListUnitPrice",      FIELD_TYPE_AMOUNT, .help = "ListCost / PricingQuantity"),                                                       \
    NULLABLE    ("PricingCategory",    FIELD_TYPE_ENUM, .values = pricing_categories, .help = "Dynamic is preemptible capacity"),                       \
    NULLABLE    ("PricingQuantity",    FIELD_TYPE_AMOUNT, .help = "GPU-hours priced"),                                                                 \
    NULLABLE    ("PricingUnit",        FIELD_TYPE_TEXT, .help = "Hours"),                                                                              \
    NULLABLE    ("ResourceId",         FIELD_TYPE_ID, .identity = IDENTITY_RESERVATION, .help = "The reservation"),                                    \
    NULLABLE    ("ResourceName",       FIELD_TYPE_TEXT, .help = "Its name"),                                                                           \
    NULLABLE    ("ResourceType",       FIELD_TYPE_TEXT, .help = "GPU Reservation"),                                                                    \
    FIELD_COLUMN("ServiceCategory",    FIELD_TYPE_TEXT, .help = "Compute"),                                                                            \
    FIELD_COLUMN("ServiceName",        FIELD_TYPE_TEXT, .help = "GPU Instances"),                                                                      \
    FIELD_COLUMN("ServiceProviderName", FIELD_TYPE_TEXT, .help = "Who sells it"),                                                                      \
    FIELD_COLUMN("ServiceSubcategory", FIELD_TYPE_TEXT, .help = "Virtual Machines"),                                                                   \
    NULLABLE    ("SkuId",              FIELD_TYPE_TEXT, .help = "Instance type, GPU model, or what a commitment is of"),                                   \
    NULLABLE    ("SkuMeter",           FIELD_TYPE_TEXT, .help = "GPU-Hours"),                                                                          \
    NULLABLE    ("SkuPriceDetails",    FIELD_TYPE_JSON, .help = "What the price depends on"),                                                          \
    NULLABLE    ("SkuPriceId",         FIELD_TYPE_TEXT, .help = "The version of the price, or the commitment"),                                        \
    NULLABLE    ("SubAccountId",       FIELD_TYPE_ID, .identity = IDENTITY_PROJECT, .help = "The project, while it exists"),                           \
    NULLABLE    ("SubAccountName",     FIELD_TYPE_TEXT, .help = "Name of the project"),                                                                \
    NULLABLE    ("Tags",               FIELD_TYPE_JSON, .help = "Labels of the reservation")

static const struct field cost_and_usage_fields[] = {
    COST_AND_USAGE_FIELDS,
    FIELDS_END,
};
static const struct field system_cost_and_usage_fields[] = {
    COST_AND_USAGE_FIELDS,
    NULLABLE("x_AmortizedCapex", FIELD_TYPE_AMOUNT, .help = "Depreciation of the hardware that delivered it, by GPU-seconds of the day"),
    NULLABLE("x_PowerCost",      FIELD_TYPE_AMOUNT, .help = "Power, likewise"),
    NULLABLE("x_Margin",         FIELD_TYPE_AMOUNT, .help = "EffectiveCost less all that the hardware cost, likewise"),
    FIELDS_END,
};
// clang-format on

static const struct schema cost_and_usage_schema = {"FocusCostAndUsage", cost_and_usage_fields, 0};
static const struct schema system_cost_and_usage_schema = {"SystemFocusCostAndUsage", system_cost_and_usage_fields, 0};

/* The billing account: the tenant asked for, or the caller's own; and who bills it. */
// clang-format off
#define ACCOUNT(name_)                                                                                        \
    "account AS (SELECT t.id, t.name, t.billing_timezone, coalesce(s.legal_name, 'The provider') AS seller"   \
    "  FROM tenant t CROSS JOIN billing_profile s WHERE s.tenant_id IS NULL"                                  \
    "   AND CASE WHEN " name_ " IS NULL THEN t.id = nullif(current_setting('sluice.tenant', true), '')::uuid" \
    "            ELSE t.name = " name_ " END)"
// clang-format on

/* The charges of the month from where the page begins; its key is "kind seq day subject", the last two of kind 0 alone.
 * Those of kind 0 lie between two places of an index, which focus_page_end finds, so that no more is added up than the
 * page shows; of the others an index gives the order. LIMIT keeps the planner from joining before the bounds hold. */
// clang-format off
#define CHARGES_OF(kind_, bounds_, order_)                                                                        \
    "(SELECT c.* FROM place b CROSS JOIN LATERAL (SELECT v.* FROM focus_cost_and_usage v"                         \
    "   WHERE v.tenant_id = b.account AND v.period_start = b.period AND v.kind = " kind_ " AND " bounds_          \
    "   ORDER BY " order_ " LIMIT $2::bigint) c WHERE b.kind <= " kind_ ")"
#define BETWEEN                                                                                                   \
    "v.day >= b.day AND v.day <= b.end_day AND (v.day, v.subject) >= (b.day, b.subject)"                          \
    " AND (v.day, v.subject) <= (b.end_day, b.end_subject)"                                                       \
    " AND (v.day, v.subject, v.seq) > (b.day, b.subject, b.seq)"
#define BEHIND(kind_) "v.seq > CASE b.kind WHEN " kind_ " THEN b.seq ELSE 0 END"
#define CHARGE_PAGE(account_)                                                                                     \
    "WITH " ACCOUNT(account_) ", origin AS (SELECT a.id AS account,"                                               \
    "   $3::date::timestamp AT TIME ZONE a.billing_timezone AS period,"                                           \
    "   coalesce(split_part($1::text, ' ', 1)::integer, 0) AS kind,"                                              \
    "   coalesce(split_part($1::text, ' ', 2)::bigint, 0) AS seq,"                                                \
    "   coalesce(nullif(split_part($1::text, ' ', 3), '')::date, '-infinity') AS day,"                            \
    "   coalesce(nullif(split_part($1::text, ' ', 4), ''), '00000000-0000-0000-0000-000000000000')::uuid AS subject" \
    "   FROM account a"                                                                                           \
    "), place AS MATERIALIZED (SELECT s.*, e.day AS end_day, e.subject AS end_subject FROM origin s"               \
    "   LEFT JOIN LATERAL focus_page_end(s.account, s.period, s.day, s.subject, $2::bigint) e ON s.kind = 0"      \
    "), charge AS (" CHARGES_OF("0", BETWEEN, "v.day, v.subject, v.seq")                                          \
    " UNION ALL " CHARGES_OF("1", BEHIND("1"), "v.seq") " UNION ALL " CHARGES_OF("2", BEHIND("2"), "v.seq")       \
    " UNION ALL " CHARGES_OF("3", BEHIND("3"), "v.seq")                                                           \
    "), page AS (SELECT * FROM charge ORDER BY kind, day, subject, seq LIMIT $2::bigint)"
#define PAGE_KEY "concat_ws(' ', v.kind, v.seq, v.day, v.subject) AS page_key"
#define PAGE_ORDER " ORDER BY v.kind, v.day, v.subject, v.seq"
// clang-format on

static const struct db_stmt statement_cost_and_usage = {
    .name = "focus_cost_and_usage",
    .sql = CHARGE_PAGE("NULL::text") " SELECT v.*, " PAGE_KEY " FROM page v" PAGE_ORDER,
    .params = 3,
};

/* The hardware's cost of a reservation's day is shared by its usage lines by GPU-seconds, by cumulative rounding: the
 * shares sum exactly. */
#define SHARE_OF(cost_)                                                                                                \
    "(round(" cost_ " * w.upto / w.total) - round(" cost_ " * (w.upto - v.gpu_milli_seconds) / w.total))::bigint"
// clang-format off
static const struct db_stmt statement_system_cost_and_usage = {
    .name = "focus_system_cost_and_usage",
    .sql = CHARGE_PAGE("$4::text")
           " SELECT v.*, " PAGE_KEY ", " SHARE_OF("h.depreciation_u") " AS \"x_AmortizedCapex\","
           " " SHARE_OF("h.power_u") " AS \"x_PowerCost\", v.\"EffectiveCost\" - coalesce(" SHARE_OF("h.amount_u") ", 0) AS \"x_Margin\""
           " FROM page v"
           " LEFT JOIN LATERAL ("
           "   SELECT sum(m.amount) FILTER (WHERE m.seq <= v.seq) AS upto, nullif(sum(m.amount), 0) AS total"
           "     FROM (SELECT min(id) AS seq, sum(gpu_milli_seconds) AS amount FROM rated_line"
           "            WHERE v.is_consumed AND day = v.day AND reservation_id = v.reservation_id AND charge_category = 'usage'"
           "            GROUP BY period_start, currency, charge_class, corrects, reason, price_id, commitment_id, commitment_status,"
           "                     capacity_status) m) w ON true"
           " LEFT JOIN LATERAL ("
           "   SELECT sum(o.depreciation_u) AS depreciation_u, sum(o.power_u) AS power_u, sum(o.amount_u) AS amount_u"
           "     FROM cost_allocation o WHERE v.is_consumed AND o.reservation_id = v.reservation_id AND o.day = v.day"
           "      AND o.currency = v.currency) h ON true" PAGE_ORDER,
    .params = 4,
};
// clang-format on

/* ---- Contract commitments ---- */

// clang-format off
static const struct field commitment_fields[] = {
    FIELD_COLUMN("BillingCurrency",                  FIELD_TYPE_TEXT, .help = "ISO 4217"),
    FIELD_COLUMN("ContractCommitmentApplicability",  FIELD_TYPE_JSON, .help = "What it is of"),
    FIELD_COLUMN("ContractCommitmentBenefitCategory", FIELD_TYPE_TEXT, .help = "Discount"),
    FIELD_COLUMN("ContractCommitmentCategory",       FIELD_TYPE_ENUM, .values = commitment_categories, .help = "Of money or of GPU-hours"),
    FIELD_COLUMN("ContractCommitmentCost",           FIELD_TYPE_AMOUNT, .help = "All its fees"),
    FIELD_COLUMN("ContractCommitmentCreated",        FIELD_TYPE_TIME, .help = "When it was entered"),
    NULLABLE    ("ContractCommitmentDescription",    FIELD_TYPE_TEXT, .help = "For people"),
    NULLABLE    ("ContractCommitmentDiscountPercentage", FIELD_TYPE_AMOUNT, .help = "Against the list price; null: it is a price of its own"),
    FIELD_COLUMN("ContractCommitmentDurationType",   FIELD_TYPE_TEXT, .help = "Its length, ISO 8601"),
    FIELD_COLUMN("ContractCommitmentFulfillmentInterval", FIELD_TYPE_TEXT, .help = "Monthly"),
    FIELD_COLUMN("ContractCommitmentId",             FIELD_TYPE_ID, .identity = IDENTITY_COMMITMENT, .help = "The commitment"),
    FIELD_COLUMN("ContractCommitmentLastUpdated",    FIELD_TYPE_TIME, .help = "It never changes"),
    FIELD_COLUMN("ContractCommitmentLifecycleStatus", FIELD_TYPE_TEXT, .help = "Pending, Active or Expired"),
    FIELD_COLUMN("ContractCommitmentModel",          FIELD_TYPE_TEXT, .help = "Discontinuous: what a month does not use is not carried on"),
    FIELD_COLUMN("ContractCommitmentOfferCategory",  FIELD_TYPE_TEXT, .help = "Negotiated"),
    FIELD_COLUMN("ContractCommitmentPaymentInterval", FIELD_TYPE_TEXT, .help = "One-Time or Monthly"),
    FIELD_COLUMN("ContractCommitmentPaymentModel",   FIELD_TYPE_TEXT, .help = "How much is paid upfront"),
    FIELD_COLUMN("ContractCommitmentPaymentUpfrontPercentage", FIELD_TYPE_AMOUNT, .help = "0 to 1"),
    FIELD_COLUMN("ContractCommitmentPeriodEnd",      FIELD_TYPE_TIME, .help = "Exclusive"),
    FIELD_COLUMN("ContractCommitmentPeriodStart",    FIELD_TYPE_TIME, .help = "Inclusive"),
    NULLABLE    ("ContractCommitmentQuantity",       FIELD_TYPE_AMOUNT, .help = "GPU-hours per month"),
    FIELD_COLUMN("ContractCommitmentType",           FIELD_TYPE_TEXT, .help = "The kind of commitment"),
    NULLABLE    ("ContractCommitmentUnit",           FIELD_TYPE_TEXT, .help = "Hours"),
    FIELD_COLUMN("ContractId",                       FIELD_TYPE_ID, .identity = IDENTITY_COMMITMENT, .help = "The same: each is a contract of its own"),
    FIELD_COLUMN("ContractPeriodEnd",                FIELD_TYPE_TIME, .help = "Exclusive"),
    FIELD_COLUMN("ContractPeriodStart",              FIELD_TYPE_TIME, .help = "Inclusive"),
    FIELD_COLUMN("InvoiceIssuerName",                FIELD_TYPE_TEXT, .help = "Who bills it"),
    FIELD_COLUMN("ServiceProviderName",              FIELD_TYPE_TEXT, .help = "Who sells it"),
    FIELDS_END,
};
// clang-format on
static const struct schema commitment_schema = {"FocusContractCommitment", commitment_fields, 0};

// clang-format off
#define COMMITMENTS(account_)                                                                                    \
    "WITH " ACCOUNT(account_) " SELECT k.currency AS \"BillingCurrency\","                                       \
    " CASE WHEN k.sku IS NULL THEN json_build_object('IsGlobalScope', true)"                                     \
    "      ELSE json_build_object('InclusionOperator', 'And', 'Inclusions', json_build_array(json_build_object(" \
    "        'Dimension', 'SkuId', 'Operator', 'In', 'Values', json_build_array(k.sku)))) END"                   \
    "   AS \"ContractCommitmentApplicability\", 'Discount' AS \"ContractCommitmentBenefitCategory\","            \
    " initcap(k.category) AS \"ContractCommitmentCategory\","                                                    \
    " k.total_minor * micro_per_minor(k.currency) AS \"ContractCommitmentCost\","                                \
    " extract(epoch FROM k.created_at)::bigint AS \"ContractCommitmentCreated\","                                \
    " coalesce(k.gpu_hours || ' GPU-hours of ' || k.sku, 'Spend in ' || k.currency) || ' per month'"             \
    "   AS \"ContractCommitmentDescription\", NULL::bigint AS \"ContractCommitmentDiscountPercentage\","         \
    " 'P' || k.months || 'M' AS \"ContractCommitmentDurationType\","                                             \
    " 'Monthly' AS \"ContractCommitmentFulfillmentInterval\", k.id AS \"ContractCommitmentId\","                 \
    " extract(epoch FROM k.created_at)::bigint AS \"ContractCommitmentLastUpdated\","                            \
    " CASE WHEN sluice_now() < k.starts_at THEN 'Pending' WHEN sluice_now() < k.ends_at THEN 'Active' "          \
    "ELSE 'Expired' "                                                                                            \
    "  END AS \"ContractCommitmentLifecycleStatus\", 'Discontinuous' AS \"ContractCommitmentModel\","            \
    " 'Negotiated' AS \"ContractCommitmentOfferCategory\","                                                      \
    " CASE k.payment_model WHEN 'all_upfront' THEN 'One-Time' ELSE 'Monthly' END"                                \
    "   AS \"ContractCommitmentPaymentInterval\","                                                               \
    " initcap(replace(k.payment_model, '_', ' ')) AS \"ContractCommitmentPaymentModel\","                        \
    " k.upfront_bp * 100::bigint AS \"ContractCommitmentPaymentUpfrontPercentage\","                             \
    " extract(epoch FROM k.ends_at)::bigint AS \"ContractCommitmentPeriodEnd\","                                 \
    " extract(epoch FROM k.starts_at)::bigint AS \"ContractCommitmentPeriodStart\","                             \
    " k.gpu_hours * 1000000 AS \"ContractCommitmentQuantity\","                                                  \
    " CASE k.category WHEN 'usage' THEN 'GPU-hour commitment' ELSE 'Spend commitment' END"                       \
    "   AS \"ContractCommitmentType\", CASE WHEN k.gpu_hours IS NOT NULL THEN 'Hours' END AS "                   \
    "\"ContractCommitmentUnit\","                                                                                \
    " k.id AS \"ContractId\", extract(epoch FROM k.ends_at)::bigint AS \"ContractPeriodEnd\","                   \
    " extract(epoch FROM k.starts_at)::bigint AS \"ContractPeriodStart\", a.seller AS "                          \
    "\"InvoiceIssuerName\","                                                                                     \
    " a.seller AS \"ServiceProviderName\", k.id AS page_key"                                                     \
    " FROM account a JOIN commitment k ON k.tenant_id = a.id"                                                    \
    " WHERE $1::uuid IS NULL OR k.id > $1::uuid ORDER BY k.id LIMIT $2::bigint"
// clang-format on

static const struct db_stmt statement_commitments = {
    .name = "focus_commitments", .sql = COMMITMENTS("NULL::text"), .params = 2};
static const struct db_stmt statement_system_commitments = {
    .name = "focus_system_commitments", .sql = COMMITMENTS("$3::text"), .params = 3};

/* ---- Billing periods ---- */

// clang-format off
static const char *const period_statuses[] = {"Open", "Closed", NULL};
static const struct field period_fields[] = {
    FIELD_COLUMN("BillingPeriodCreated",     FIELD_TYPE_TIME, .help = "Its start"),
    FIELD_COLUMN("BillingPeriodEnd",         FIELD_TYPE_TIME, .help = "Exclusive"),
    FIELD_COLUMN("BillingPeriodLastUpdated", FIELD_TYPE_TIME, .help = "When it was closed; its start until then"),
    FIELD_COLUMN("BillingPeriodStart",       FIELD_TYPE_TIME, .help = "Inclusive"),
    FIELD_COLUMN("BillingPeriodStatus",      FIELD_TYPE_ENUM, .values = period_statuses, .help = "A closed one takes no more charges"),
    FIELD_COLUMN("InvoiceIssuerName",        FIELD_TYPE_TEXT, .help = "Who bills it"),
    FIELDS_END,
};
// clang-format on
static const struct schema period_schema = {"FocusBillingPeriod", period_fields, 0};

// clang-format off
#define PERIODS(account_)                                                                                    \
    "WITH " ACCOUNT(account_) " SELECT extract(epoch FROM b.starts_at)::bigint AS \"BillingPeriodCreated\"," \
    " extract(epoch FROM b.ends_at)::bigint AS \"BillingPeriodEnd\","                                        \
    " extract(epoch FROM coalesce(b.closed_at, b.starts_at))::bigint AS \"BillingPeriodLastUpdated\","       \
    " extract(epoch FROM b.starts_at)::bigint AS \"BillingPeriodStart\","                                    \
    " CASE b.status WHEN 'closed' THEN 'Closed' ELSE 'Open' END AS \"BillingPeriodStatus\","                 \
    " a.seller AS \"InvoiceIssuerName\", extract(epoch FROM b.starts_at)::bigint AS page_key"                \
    " FROM account a JOIN billing_period b ON b.tenant_id = a.id"                                            \
    " WHERE $1::bigint IS NULL OR b.starts_at > to_timestamp($1::bigint) ORDER BY b.starts_at LIMIT "        \
    "$2::bigint"
// clang-format on

static const struct db_stmt statement_periods = {.name = "focus_periods", .sql = PERIODS("NULL::text"), .params = 2};
static const struct db_stmt statement_system_periods = {
    .name = "focus_system_periods", .sql = PERIODS("$3::text"), .params = 3};

/* ---- Invoice details ---- */

// clang-format off
static const char *const issue_statuses[] = {"Open", "Issued", "Voided", NULL};
static const struct field detail_fields[] = {
    FIELD_COLUMN("BilledCost",               FIELD_TYPE_AMOUNT, .help = "Of the line, or the tax"),
    FIELD_COLUMN("BillingAccountId",         FIELD_TYPE_ID, .identity = IDENTITY_TENANT, .help = "The tenant"),
    FIELD_COLUMN("BillingCurrency",          FIELD_TYPE_TEXT, .help = "ISO 4217"),
    FIELD_COLUMN("BillingPeriodEnd",         FIELD_TYPE_TIME, .help = "Exclusive"),
    FIELD_COLUMN("BillingPeriodStart",       FIELD_TYPE_TIME, .help = "Inclusive"),
    FIELD_COLUMN("ChargeCategory",           FIELD_TYPE_ENUM, .values = charge_categories, .help = "Of the line"),
    FIELD_COLUMN("InvoiceDetailCreated",     FIELD_TYPE_TIME, .help = "When it was drawn up"),
    NULLABLE    ("InvoiceDetailDescription", FIELD_TYPE_TEXT, .help = "As it is printed"),
    NULLABLE    ("InvoiceDetailGrain",       FIELD_TYPE_JSON, .help = "The columns whose charges it sums"),
    FIELD_COLUMN("InvoiceDetailId",          FIELD_TYPE_TEXT, .help = "Line of the invoice"),
    FIELD_COLUMN("InvoiceDetailLastUpdated", FIELD_TYPE_TIME, .help = "When it was last touched"),
    FIELD_COLUMN("InvoiceId",                FIELD_TYPE_TEXT, .help = "Number of the invoice or credit note"),
    NULLABLE    ("InvoiceIssueDate",         FIELD_TYPE_TIME, .help = "When it was issued"),
    FIELD_COLUMN("InvoiceIssueStatus",       FIELD_TYPE_ENUM, .values = issue_statuses, .help = "Where it stands"),
    FIELD_COLUMN("InvoiceIssuerName",        FIELD_TYPE_TEXT, .help = "Who issues it"),
    NULLABLE    ("PaymentDueDate",           FIELD_TYPE_TIME, .help = "By when it is to be paid"),
    FIELD_COLUMN("PaymentTerms",             FIELD_TYPE_TEXT, .help = "In words"),
    FIELD_COLUMN("ReferenceInvoiceId",       FIELD_TYPE_TEXT, .help = "Of a credit note the invoice that it credits; of an invoice the void one that it stands for, else itself"),
    FIELDS_END,
};
// clang-format on
static const struct schema detail_schema = {"FocusInvoiceDetail", detail_fields, 0};

/* Lines first, then taxes, of each invoice and credit note; one without a number is not there yet for anybody. */
// clang-format off
#define DETAILS(account_)                                                                                \
    "WITH " ACCOUNT(account_) ", invoiced AS (SELECT i.*, a.name, a.seller FROM account a"               \
    "   JOIN focus_invoice i ON i.tenant_id = a.id AND i.number IS NOT NULL"                             \
    "    AND i.period_start = $3::date::timestamp AT TIME ZONE a.billing_timezone"                       \
    "), detail AS ("                                                                                     \
    "  SELECT i.*, 0 AS kind, n.line_no AS seq, n.line_no::text AS detail, n.net_minor AS amount_minor," \
    "         initcap(n.charge_category) AS category, n.description, coalesce(i.replaces, i.number) AS"  \
    "         refers_to FROM invoiced i JOIN invoice_line n ON n.invoice_id = i.id"                      \
    "  UNION ALL SELECT i.*, 1, row_number() OVER (PARTITION BY i.id ORDER BY x.tax_code), 'tax-' || "   \
    "x.tax_code,"                                                                                        \
    "         x.tax_minor, 'Tax', 'Tax at ' || trim_scale(x.rate_bp / 100.0) || ' %',"                   \
    "         coalesce(i.replaces, i.number)"                                                            \
    "    FROM invoiced i JOIN invoice_tax x ON x.invoice_id = i.id WHERE x.tax_minor <> 0"               \
    "  UNION ALL SELECT c.id, c.tenant_id, c.period_start, 'issued', c.currency, c.issued_at,"           \
    "         c.issued_at, c.issued_at, NULL, NULL, c.document, NULL, a.name, a.seller, 2, c.place,"     \
    "         c.detail, c.amount_minor, initcap(c.category), 'Credit note: ' || c.reason,"               \
    "         c.corrects_document FROM account a JOIN focus_credit_line c ON c.tenant_id = a.id"         \
    "          AND c.period_start = $3::date::timestamp AT TIME ZONE a.billing_timezone"                 \
    "), keyed AS (SELECT d.*, format('%s %s %s', d.id, d.kind, lpad(d.seq::text, 10, '0')) COLLATE "     \
    "\"C\" AS page_key FROM detail d)"                                                                   \
    " SELECT d.amount_minor * micro_per_minor(d.currency) AS \"BilledCost\", d.tenant_id AS "            \
    "\"BillingAccountId\","                                                                              \
    " d.currency AS \"BillingCurrency\", extract(epoch FROM b.ends_at)::bigint AS \"BillingPeriodEnd\"," \
    " extract(epoch FROM b.starts_at)::bigint AS \"BillingPeriodStart\", d.category AS "                 \
    "\"ChargeCategory\","                                                                                \
    " extract(epoch FROM d.drawn_up_at)::bigint AS \"InvoiceDetailCreated\","                            \
    " d.description AS \"InvoiceDetailDescription\","                                                    \
    " json_build_object('InvoiceId', d.number, 'InvoiceDetailId', d.detail) AS \"InvoiceDetailGrain\","  \
    " d.detail AS \"InvoiceDetailId\","                                                                  \
    " extract(epoch FROM coalesce(d.voided_at, d.issued_at))::bigint AS \"InvoiceDetailLastUpdated\","   \
    " d.number AS \"InvoiceId\", extract(epoch FROM d.issued_at)::bigint AS \"InvoiceIssueDate\","       \
    " CASE d.status WHEN 'void' THEN 'Voided' ELSE 'Issued' END AS \"InvoiceIssueStatus\","              \
    " d.seller AS \"InvoiceIssuerName\", extract(epoch FROM d.due_at)::bigint AS \"PaymentDueDate\","    \
    " coalesce('Net ' || (d.due_at::date - d.issued_at::date) || ' days', 'On receipt') AS "             \
    "\"PaymentTerms\","                                                                                  \
    " d.refers_to AS \"ReferenceInvoiceId\", d.page_key"                              \
    " FROM keyed d JOIN billing_period b ON b.tenant_id = d.tenant_id AND b.starts_at = d.period_start"  \
    " WHERE $1::text IS NULL OR d.page_key > $1::text ORDER BY d.page_key LIMIT $2::bigint"
// clang-format on

static const struct db_stmt statement_details = {.name = "focus_details", .sql = DETAILS("NULL::text"), .params = 3};
static const struct db_stmt statement_system_details = {
    .name = "focus_system_details", .sql = DETAILS("$4::text"), .params = 4};

/* ---- Routes ---- */

#define LIST(name_, statement_, ...)                                                                                   \
    static enum err_kind name_(struct request *request, struct response *response, struct err *reterr)                 \
    {                                                                                                                  \
        const struct focus_query *query = request->query;                                                              \
        (void)query;                                                                                                   \
        return answer_page(request, response, &(statement_), __VA_ARGS__, reterr);                                     \
    }
LIST(cost_and_usage, statement_cost_and_usage, DB_PARAMS(query->month))
LIST(system_cost_and_usage, statement_system_cost_and_usage, DB_PARAMS(query->month, query->tenant))
LIST(commitments, statement_commitments, DB_NO_PARAMS)
LIST(system_commitments, statement_system_commitments, DB_PARAMS(query->tenant))
LIST(periods, statement_periods, DB_NO_PARAMS)
LIST(system_periods, statement_system_periods, DB_PARAMS(query->tenant))
LIST(details, statement_details, DB_PARAMS(query->month))
LIST(system_details, statement_system_details, DB_PARAMS(query->month, query->tenant))

// clang-format off
static const struct route focus_routes[] = {
    {GET, "/v1/focus/cost-and-usage",              ROLES_TENANT_MONEY, RATE_REPORT, .query = &query_schema, .answer = &cost_and_usage_schema, .is_list = true, .run = cost_and_usage, .summary = "FOCUS 1.4 Cost and Usage of a month"},
    {GET, "/v1/focus/contract-commitments",        ROLES_TENANT_MONEY, RATE_REPORT, .answer = &commitment_schema, .is_list = true, .run = commitments, .summary = "FOCUS 1.4 Contract Commitment"},
    {GET, "/v1/focus/billing-periods",             ROLES_TENANT_MONEY, RATE_REPORT, .answer = &period_schema, .is_list = true, .run = periods, .summary = "FOCUS 1.4 Billing Period"},
    {GET, "/v1/focus/invoice-details",             ROLES_TENANT_MONEY, RATE_REPORT, .query = &query_schema, .answer = &detail_schema, .is_list = true, .run = details, .summary = "FOCUS 1.4 Invoice Detail of a month"},
    {GET, "/v1/system/focus/cost-and-usage",       ROLES_SYSTEM_READ, RATE_REPORT, .query = &system_query_schema, .answer = &system_cost_and_usage_schema, .is_list = true, .run = system_cost_and_usage, .summary = "FOCUS 1.4 Cost and Usage of an account's month, with what the hardware cost"},
    {GET, "/v1/system/focus/contract-commitments", ROLES_SYSTEM_READ, RATE_REPORT, .query = &account_query_schema, .answer = &commitment_schema, .is_list = true, .run = system_commitments, .summary = "FOCUS 1.4 Contract Commitment of an account"},
    {GET, "/v1/system/focus/billing-periods",      ROLES_SYSTEM_READ, RATE_REPORT, .query = &account_query_schema, .answer = &period_schema, .is_list = true, .run = system_periods, .summary = "FOCUS 1.4 Billing Period of an account"},
    {GET, "/v1/system/focus/invoice-details",      ROLES_SYSTEM_READ, RATE_REPORT, .query = &system_query_schema, .answer = &detail_schema, .is_list = true, .run = system_details, .summary = "FOCUS 1.4 Invoice Detail of an account's month"},
    ROUTES_END,
};
// clang-format on

static const struct db_stmt *const focus_statements[] = {&statement_cost_and_usage,
                                                         &statement_system_cost_and_usage,
                                                         &statement_commitments,
                                                         &statement_system_commitments,
                                                         &statement_periods,
                                                         &statement_system_periods,
                                                         &statement_details,
                                                         &statement_system_details,
                                                         NULL};

const struct resource focus_resource = {"focus", focus_routes, focus_statements,
                                        "Charges, commitments, billing periods and invoices as the FinOps Open Cost "
                                        "and Usage Specification (FOCUS 1.4) has them."};
