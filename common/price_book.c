/* Loading prices and choosing among them. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "common/price_book.h"

#include "common/alloc.h"
#include "common/must.h"

#include <string.h>

#define IN_SCOPE                                                                                                       \
    " p.withdrawn_at IS NULL AND p.valid && tstzrange(to_timestamp($1::bigint), to_timestamp($2::bigint))"             \
    " AND ($3::text IS NULL OR p.sku_kind = $3::text AND p.sku = $4::text"                                             \
    "      AND (p.tenant_id IS NULL OR p.tenant_id = $5::uuid))"
#define END_OF(range) " CASE WHEN upper(" range ") < 'infinity' THEN extract(epoch FROM upper(" range "))::bigint END"

/* A row per tier, or one. */
// clang-format off
static const struct db_stmt statement_prices = {
    .name = "price_book_prices",
    .sql = "SELECT p.id, p.sku_kind, p.sku, p.tier, p.currency, p.tenant_id, coalesce(p.project, ''), p.model,"
           "  p.gpu_hour_u, p.package_gpu_hours, p.minimum_s, extract(epoch FROM lower(p.valid))::bigint,"
           " " END_OF("p.valid") ", t.up_to, t.gpu_hour_u, p.windows IS NOT NULL,"
           "  coalesce(meter_per_unit(m.aggregation), 0)"
           "  FROM price p LEFT JOIN meter m ON p.sku_kind = 'meter' AND m.name = p.sku LEFT JOIN LATERAL ("
           "   SELECT e.number, (e.tier->>'up_to_gpu_hours')::bigint AS up_to,"
           " (e.tier->>'gpu_hour_u')::bigint AS gpu_hour_u"
           "     FROM jsonb_array_elements(p.tiers) WITH ORDINALITY AS e (tier, number)) t ON true"
           " WHERE" IN_SCOPE " ORDER BY p.id, t.number",
    .params = 5,
};
// clang-format on
enum {
    PRICE_ID,
    PRICE_KIND,
    PRICE_SKU,
    PRICE_TIER,
    PRICE_CURRENCY,
    PRICE_TENANT,
    PRICE_PROJECT,
    PRICE_MODEL,
    PRICE_GPU_HOUR,
    PRICE_PACKAGE,
    PRICE_MINIMUM,
    PRICE_FROM,
    PRICE_TO,
    PRICE_TIER_END,
    PRICE_TIER_PRICE,
    PRICE_HAS_WINDOWS,
    PRICE_PER_UNIT,
};

/* Local times become instants here, since here is the calendar of the zones. A window holds while the clock of the zone
 * shows its times: where clocks change, an hour of it comes twice, or never. So each window of a day is laid over each
 * regime, a stretch of time in which the zone is off UTC by the same; clocks change on a quarter of an hour. */
static const struct db_stmt statement_windows = {
    .name = "price_book_windows",
    .sql =
        "WITH zone AS (SELECT DISTINCT billing_timezone AS zone FROM tenant WHERE $3::text IS NULL OR id = $5::uuid"
        "              UNION SELECT 'UTC'"
        "), day AS ("
        " SELECT z.zone, t.at, t.at AT TIME ZONE z.zone - t.at AT TIME ZONE 'UTC' AS off FROM zone z"
        "  CROSS JOIN generate_series(date_trunc('day', to_timestamp($1::bigint), 'UTC') - interval '2 days',"
        "   to_timestamp($2::bigint) + interval '2 days', interval '1 day') t (at)"
        "), change AS ("
        " SELECT zone, at, off, lag(at) OVER w AS at_before, lag(off) OVER w AS off_before FROM day"
        " WINDOW w AS (PARTITION BY zone ORDER BY at)"
        "), regime AS MATERIALIZED ("
        " SELECT c.zone, c.off, s.starts, lead(s.starts, 1, 'infinity') OVER (PARTITION BY c.zone ORDER BY s.starts) "
        "AS ends"
        "  FROM change c CROSS JOIN LATERAL (SELECT CASE WHEN c.off_before IS NULL THEN timestamptz '-infinity' ELSE ("
        "   SELECT min(q) FROM generate_series(c.at_before, c.at, interval '15 minutes') q"
        "    WHERE q AT TIME ZONE c.zone - q AT TIME ZONE 'UTC' = c.off) END AS starts) s"
        " WHERE c.off_before IS DISTINCT FROM c.off"
        ") SELECT p.id, r.zone, n.number, (n.w->>'gpu_hour_u')::bigint, extract(epoch FROM s.starts)::bigint,"
        "  extract(epoch FROM s.ends)::bigint"
        "  FROM price p CROSS JOIN LATERAL jsonb_array_elements(p.windows) WITH ORDINALITY AS n (w, number)"
        "  CROSS JOIN regime r"
        "  CROSS JOIN LATERAL generate_series("
        "   date_trunc('day', to_timestamp($1::bigint) AT TIME ZONE r.zone) - interval '1 day',"
        "   to_timestamp($2::bigint) AT TIME ZONE r.zone, interval '1 day') d"
        "  CROSS JOIN LATERAL (SELECT"
        "   greatest((d + (n.w->>'from')::time - r.off) AT TIME ZONE 'UTC', r.starts) AS starts,"
        "   least((d + (n.w->>'to')::time + CASE WHEN n.w->>'to' <= n.w->>'from' THEN interval '1 day'"
        "    ELSE interval '0' END - r.off) AT TIME ZONE 'UTC', r.ends) AS ends) s"
        " WHERE" IN_SCOPE " AND p.windows IS NOT NULL AND s.starts < s.ends"
        "   AND (n.w->>'days')::integer >> (extract(isodow FROM d)::integer - 1) & 1 = 1"
        " ORDER BY p.id, r.zone, n.number, s.starts",
    .params = 5,
};
enum {
    WINDOW_PRICE,
    WINDOW_ZONE,
    WINDOW_NUMBER,
    WINDOW_GPU_HOUR,
    WINDOW_FROM,
    WINDOW_TO,
};

// clang-format off
static const struct db_stmt statement_discounts = {
    .name = "price_book_discounts",
    .sql = "SELECT p.id, p.tenant_id, coalesce(p.project, ''), coalesce(p.sku_kind, ''), coalesce(p.sku, ''),"
           "  coalesce(p.percent_bp, 0), coalesce(p.gpu_hour_u, 0), coalesce(p.currency, ''),"
           "  extract(epoch FROM lower(p.valid))::bigint," END_OF("p.valid")
           "  FROM discount p"
           " WHERE p.valid && tstzrange(to_timestamp($1::bigint), to_timestamp($2::bigint))"
           "   AND ($3::text IS NULL OR p.tenant_id = $5::uuid AND (p.sku IS NULL OR p.sku = $4::text))"
           " ORDER BY lower(p.valid)",
    .params = 5,
};
enum {
    DISCOUNT_ID,
    DISCOUNT_TENANT,
    DISCOUNT_PROJECT,
    DISCOUNT_SKU_KIND,
    DISCOUNT_SKU,
    DISCOUNT_PERCENT,
    DISCOUNT_GPU_HOUR,
    DISCOUNT_CURRENCY,
    DISCOUNT_FROM,
    DISCOUNT_TO,
};
// clang-format on

const struct db_stmt *const price_book_statements[] = {&statement_prices, &statement_windows, &statement_discounts,
                                                       NULL};

/* ---- Loading ---- */

static int by_sku_and_owner(const struct price_version *one, const struct price_version *other)
{
    int order = strcmp(one->sku.name, other->sku.name);
    if (order == 0)
        order = strcmp(one->sku.kind, other->sku.kind);
    if (order == 0)
        order = strcmp(one->sku.tier, other->sku.tier);
    if (order == 0)
        order = strcmp(one->sku.currency, other->sku.currency);
    if (order == 0)
        order = identity_compare(one->tenant, other->tenant);
    return order != 0 ? order : strcmp(one->project, other->project);
}

static int by_sku_owner_and_start(const void *a, const void *b)
{
    const struct price_version *one = a;
    const struct price_version *other = b;
    int order = by_sku_and_owner(one, other);
    return order != 0 ? order : (one->valid.from_s > other->valid.from_s) - (one->valid.from_s < other->valid.from_s);
}

static enum err_kind read_version(const PGresult *rows, int row, struct price_version *ret, struct err *reterr)
{
    int64_t per_unit = db_int(rows, row, PRICE_PER_UNIT, 0);
    *ret = (struct price_version){
        .id = db_identity(rows, row, PRICE_ID),
        .project = db_text(rows, row, PRICE_PROJECT),
        .sku = {.kind = db_text(rows, row, PRICE_KIND),
                .name = db_text(rows, row, PRICE_SKU),
                .tier = db_text(rows, row, PRICE_TIER),
                .currency = db_text(rows, row, PRICE_CURRENCY)},
        .valid = {.from_s = db_int(rows, row, PRICE_FROM, 0), .to_s = db_int(rows, row, PRICE_TO, RATING_OPEN_END_S)},
        .tariff = {.gpu_hour_u = db_int(rows, row, PRICE_GPU_HOUR, 0),
                   .per_unit = per_unit,
                   .package_gpu_milli_s = db_int(rows, row, PRICE_PACKAGE, 0) * tariff_per_unit(per_unit)},
        .pool = RATING_FLAT,
        .minimum_s = db_int(rows, row, PRICE_MINIMUM, 0),
    };
    if (db_text(rows, row, PRICE_TENANT) != NULL)
        ret->tenant = db_identity(rows, row, PRICE_TENANT);
    return tariff_model_from_text(db_text(rows, row, PRICE_MODEL), &ret->tariff.model, reterr);
}

static void read_tier(const PGresult *rows, int row, struct tariff *tariff)
{
    if (db_text(rows, row, PRICE_TIER_PRICE) == NULL)
        return;
    must(tariff->tier_count < TARIFF_TIERS_MAX); /* the table's check */
    int64_t hours = db_int(rows, row, PRICE_TIER_END, 0);
    int64_t end = TARIFF_OPEN_TIER;
    if (hours > 0 && __builtin_mul_overflow(hours, tariff_per_unit(tariff->per_unit), &end))
        end = TARIFF_OPEN_TIER; /* as good as no end */
    tariff->tiers[tariff->tier_count++] = (struct tariff_tier){end, db_int(rows, row, PRICE_TIER_PRICE, 0)};
}

static int by_id(const void *a, const void *b)
{
    const struct price_version *const *one = a;
    const struct price_version *const *other = b;
    return identity_compare((*one)->id, (*other)->id);
}

static void index_versions(struct price_book *book)
{
    book->tariffs = alloc_zero(book->count + 1, sizeof *book->tariffs);
    book->by_id = alloc_zero(book->count + 1, sizeof *book->by_id);
    for (size_t i = 0; i < book->count; i++)
        book->by_id[i] = &book->versions[i];
    qsort(book->by_id, book->count, sizeof *book->by_id, by_id);
    for (size_t i = 0; i < book->count; i++) {
        if (book->versions[i].tariff.model == TARIFF_FLAT)
            continue;
        book->versions[i].pool = book->tariff_count;
        book->tariffs[book->tariff_count++] = &book->versions[i].tariff;
    }
}

static enum err_kind read_versions(struct price_book *book, struct err *reterr)
{
    int rows = PQntuples(book->price_rows);
    book->versions = alloc_zero((size_t)rows + 1, sizeof *book->versions);
    enum err_kind kind = ERR_NONE;
    for (int row = 0; row < rows && kind == ERR_NONE; row++) {
        if (row == 0 ||
            strcmp(PQgetvalue(book->price_rows, row, PRICE_ID), PQgetvalue(book->price_rows, row - 1, PRICE_ID)) != 0)
            kind = read_version(book->price_rows, row, &book->versions[book->count++], reterr);
        read_tier(book->price_rows, row, &book->versions[book->count - 1].tariff);
    }
    qsort(book->versions, book->count, sizeof *book->versions, by_sku_owner_and_start);
    index_versions(book);
    return kind;
}

const struct price_version *price_book_find(const struct price_book *book, struct identity price)
{
    struct price_version key = {.id = price};
    const struct price_version *const pointer = &key;
    const struct price_version **found =
        book->count == 0 ? NULL : bsearch(&pointer, book->by_id, book->count, sizeof pointer, by_id);
    return found == NULL ? NULL : *found;
}

const struct price_discount *price_book_find_discount(const struct price_book *book, struct identity discount)
{
    for (size_t i = 0; i < book->discount_count; i++) {
        if (identity_equal(book->discounts[i].id, discount))
            return &book->discounts[i];
    }
    return NULL;
}

int64_t price_book_unit_price(const struct price_book *book, const struct price_version *version, uint32_t window)
{
    for (size_t i = 0; window > 0 && i < book->window_count; i++) {
        const struct price_window *at = &book->windows[i];
        if (&book->versions[at->version] == version && at->price.window == window)
            return at->price.unit_price_u;
    }
    return version->tariff.gpu_hour_u;
}

static void read_windows(struct price_book *book)
{
    const PGresult *rows = book->window_rows;
    book->windows = alloc_zero((size_t)PQntuples(rows) + 1, sizeof *book->windows);
    for (int row = 0; row < PQntuples(rows); row++) {
        const struct price_version *found = price_book_find(book, db_identity(rows, row, WINDOW_PRICE));
        if (found == NULL)
            continue; /* made between the two looks */
        size_t version = (size_t)(found - book->versions);
        book->windows[book->window_count++] = (struct price_window){
            .version = version,
            .zone = db_text(rows, row, WINDOW_ZONE),
            .price = {.valid = {.from_s = db_int(rows, row, WINDOW_FROM, 0), .to_s = db_int(rows, row, WINDOW_TO, 0)},
                      .unit_price_u = db_int(rows, row, WINDOW_GPU_HOUR, 0),
                      .version = (uint32_t)version,
                      .window = (uint32_t)db_int(rows, row, WINDOW_NUMBER, 0)},
        };
    }
}

static void read_discounts(struct price_book *book)
{
    const PGresult *rows = book->discount_rows;
    book->discount_count = (size_t)PQntuples(rows);
    book->discounts = alloc_zero(book->discount_count + 1, sizeof *book->discounts);
    for (int row = 0; row < PQntuples(rows); row++) {
        book->discounts[row] = (struct price_discount){
            .id = db_identity(rows, row, DISCOUNT_ID),
            .tenant = db_identity(rows, row, DISCOUNT_TENANT),
            .project = db_text(rows, row, DISCOUNT_PROJECT),
            .sku_kind = db_text(rows, row, DISCOUNT_SKU_KIND),
            .sku = db_text(rows, row, DISCOUNT_SKU),
            .percent_bp = db_int(rows, row, DISCOUNT_PERCENT, 0),
            .gpu_hour_u = db_int(rows, row, DISCOUNT_GPU_HOUR, 0),
            .currency = db_text(rows, row, DISCOUNT_CURRENCY),
            .valid = {.from_s = db_int(rows, row, DISCOUNT_FROM, 0),
                      .to_s = db_int(rows, row, DISCOUNT_TO, RATING_OPEN_END_S)},
        };
    }
}

static bool has_windows(const PGresult *prices)
{
    for (int row = 0; row < PQntuples(prices); row++) {
        if (db_bool(prices, row, PRICE_HAS_WINDOWS))
            return true;
    }
    return false;
}

enum err_kind price_book_read(price_book_ask *ask, void *context, const struct price_scope *scope,
                              struct price_book *ret, struct err *reterr)
{
    char from[DB_INT_TEXT_SIZE];
    char to[DB_INT_TEXT_SIZE];
    const char *const params[] = {db_int_param(from, scope->from_s), db_int_param(to, scope->to_s), scope->sku_kind,
                                  scope->sku, scope->tenant};
    bool is_customers = scope->sku == NULL || scope->tenant != NULL;
    enum err_kind kind = ask(context, &statement_prices, params, &ret->price_rows, reterr);
    if (kind == ERR_NONE && has_windows(ret->price_rows))
        kind = ask(context, &statement_windows, params, &ret->window_rows, reterr);
    if (kind == ERR_NONE && is_customers && PQntuples(ret->price_rows) > 0)
        kind = ask(context, &statement_discounts, params, &ret->discount_rows, reterr);
    if (kind == ERR_NONE)
        kind = read_versions(ret, reterr);
    if (kind != ERR_NONE)
        return kind;
    read_windows(ret);
    read_discounts(ret);
    return ERR_NONE;
}

/* What price_book_load asks with. */
struct loading {
    struct db *db;
    struct price_book *book;
    size_t count;
};

static enum err_kind ask_and_own(void *context, const struct db_stmt *stmt, const char *const *params,
                                 const PGresult **ret, struct err *reterr)
{
    struct loading *loading = context;
    must(loading->count < COUNT_OF(loading->book->owned));
    PGresult **own = &loading->book->owned[loading->count++];
    enum err_kind kind = db_run(loading->db, stmt, params, own, reterr);
    *ret = *own;
    return kind;
}

enum err_kind price_book_load(struct db *db, const struct price_scope *scope, struct price_book *ret,
                              struct err *reterr)
{
    struct loading loading = {.db = db, .book = ret};
    return price_book_read(ask_and_own, &loading, scope, ret, reterr);
}

void price_book_release(struct price_book *book)
{
    for (size_t i = 0; i < COUNT_OF(book->owned); i++)
        PQclear(book->owned[i]);
    free(book->versions);
    free(book->tariffs);
    free(book->by_id);
    free(book->windows);
    free(book->discounts);
    *book = (struct price_book){0};
}

/* ---- Choosing ---- */

/* A series of prices of its own memory. */
struct series {
    struct rating_price *prices;
    size_t count;
};

static struct series series_of(size_t most)
{
    return (struct series){.prices = alloc_zero(most + 1, sizeof(struct rating_price))};
}

/* Takes both. */
static struct series lay_over(struct series upper, struct series lower)
{
    struct series laid = series_of(PRICE_LIST_PIECES_MAX(upper.count, lower.count));
    laid.count = price_list_overlay(upper.prices, upper.count, lower.prices, lower.count, laid.prices);
    free(upper.prices);
    free(lower.prices);
    return laid;
}

static struct series copy_of(struct series series)
{
    struct series copy = series_of(series.count);
    copy.count = series.count;
    if (series.count > 0)
        memcpy(copy.prices, series.prices, series.count * sizeof *series.prices);
    return copy;
}

/* A version with the windows of the zone laid over it, the first window on top. */
static struct series with_windows(const struct price_book *book, size_t version, const char *zone)
{
    const struct price_version *base = &book->versions[version];
    struct series laid = series_of(1);
    laid.prices[laid.count++] = (struct rating_price){
        .valid = base->valid, .unit_price_u = base->tariff.gpu_hour_u, .version = (uint32_t)version};
    for (size_t end = book->window_count; end > 0;) {
        size_t first = end - 1;
        const struct price_window *last = &book->windows[first];
        while (first > 0 && book->windows[first - 1].version == last->version &&
               strcmp(book->windows[first - 1].zone, last->zone) == 0 &&
               book->windows[first - 1].price.window == last->price.window)
            first--;
        bool is_ours = last->version == version && strcmp(last->zone, zone) == 0;
        struct series window = series_of(is_ours ? end - first : 0);
        for (size_t i = first; is_ours && i < end; i++) {
            struct rating_price price = book->windows[i].price;
            price.valid = rating_overlap(price.valid, base->valid);
            if (price.valid.from_s < price.valid.to_s)
                window.prices[window.count++] = price;
        }
        laid = lay_over(window, laid);
        end = first;
    }
    return laid;
}

/* The position of the first version that is not before the key. */
static size_t lower_bound(const struct price_book *book, const struct price_version *key)
{
    size_t low = 0;
    size_t high = book->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (by_sku_and_owner(&book->versions[middle], key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The prices of a sku of one owner, in order of time. */
static struct series prices_of(const struct price_book *book, const struct sku *sku, struct identity tenant,
                               const char *project, const char *zone)
{
    struct price_version key = {.sku = *sku, .tenant = tenant, .project = project};
    struct series all = series_of(0);
    for (size_t i = lower_bound(book, &key); i < book->count && by_sku_and_owner(&book->versions[i], &key) == 0; i++)
        all = lay_over(with_windows(book, i, zone), all);
    return all;
}

/* The discounts of one kind, in order of time. */
static struct series discounts_of(const struct price_book *book, const struct sku *sku, struct identity tenant,
                                  const char *project, bool of_sku)
{
    struct series found = series_of(book->discount_count);
    for (size_t i = 0; i < book->discount_count; i++) {
        const struct price_discount *discount = &book->discounts[i];
        bool fits = identity_equal(discount->tenant, tenant) && strcmp(discount->project, project) == 0 &&
                    (of_sku ? strcmp(discount->sku, sku->name) == 0 && strcmp(discount->sku_kind, sku->kind) == 0
                            : discount->sku[0] == '\0') &&
                    (discount->percent_bp > 0 || strcmp(discount->currency, sku->currency) == 0);
        if (fits)
            found.prices[found.count++] = (struct rating_price){.valid = discount->valid, .version = (uint32_t)i};
    }
    return found;
}

static struct series discounts_for(const struct price_book *book, const struct sku *sku,
                                   const struct price_customer *customer)
{
    struct series laid = lay_over(discounts_of(book, sku, customer->tenant, "", true),
                                  discounts_of(book, sku, customer->tenant, "", false));
    if (customer->project == NULL)
        return laid;
    struct series projects = lay_over(discounts_of(book, sku, customer->tenant, customer->project, true),
                                      discounts_of(book, sku, customer->tenant, customer->project, false));
    return lay_over(projects, laid);
}

/* Cuts prices by list prices and by discounts, and tells of each stretch which hold. */
static void cut(struct series prices, struct series list, struct series discounts, struct price_choice *ret)
{
    size_t most = PRICE_LIST_PIECES_MAX(list.count, prices.count);
    struct price_list_piece *by_list = alloc_zero(most + 1, sizeof *by_list);
    size_t count = price_list_cut(prices.prices, prices.count, list.prices, list.count, by_list);
    struct series pieces = series_of(count);
    for (size_t i = 0; i < count; i++) {
        pieces.prices[i] = prices.prices[by_list[i].price];
        pieces.prices[i].valid = by_list[i].valid;
    }
    most = PRICE_LIST_PIECES_MAX(discounts.count, count);
    struct price_list_piece *by_discount = alloc_zero(most + 1, sizeof *by_discount);
    *ret = (struct price_choice){
        .count = price_list_cut(pieces.prices, count, discounts.prices, discounts.count, by_discount),
        .prices = alloc_zero(most + 1, sizeof *ret->prices),
        .list = alloc_zero(most + 1, sizeof *ret->list),
        .discounts = alloc_zero(most + 1, sizeof *ret->discounts),
    };
    for (size_t i = 0; i < ret->count; i++) {
        const struct price_list_piece *piece = &by_discount[i];
        size_t of_list = by_list[piece->price].by;
        ret->prices[i] = pieces.prices[piece->price];
        ret->list[i] =
            of_list == PRICE_LIST_NONE ? (struct rating_price){.version = PRICE_BOOK_NONE} : list.prices[of_list];
        ret->prices[i].valid = ret->list[i].valid = piece->valid;
        ret->discounts[i] = piece->by == PRICE_LIST_NONE ? PRICE_BOOK_NONE : discounts.prices[piece->by].version;
    }
    free(by_list);
    free(by_discount);
    free(pieces.prices);
}

void price_book_choose(const struct price_book *book, const struct sku *sku, const struct price_customer *customer,
                       struct price_choice *ret)
{
    struct series list = prices_of(book, sku, (struct identity){0}, "", customer->zone);
    struct series prices = copy_of(list);
    bool is_tenant = !identity_is_nil(customer->tenant);
    if (is_tenant)
        prices = lay_over(prices_of(book, sku, customer->tenant, "", customer->zone), prices);
    if (is_tenant && customer->project != NULL)
        prices = lay_over(prices_of(book, sku, customer->tenant, customer->project, customer->zone), prices);
    struct series discounts = is_tenant ? discounts_for(book, sku, customer) : series_of(0);
    cut(prices, list, discounts, ret);
    free(list.prices);
    free(prices.prices);
    free(discounts.prices);
}

void price_choice_release(struct price_choice *choice)
{
    free(choice->prices);
    free(choice->list);
    free(choice->discounts);
    *choice = (struct price_choice){0};
}

void price_discount_apply(const struct price_discount *discount, struct rating_item *item)
{
    item->discount_bp = discount->percent_bp;
    if (discount->percent_bp > 0)
        return;
    item->pool = RATING_FLAT;
    item->unit_price_u = discount->gpu_hour_u;
}

struct rating_item price_choice_item(const struct price_book *book, const struct price_choice *choice, size_t stretch,
                                     int64_t seconds, int64_t gpu_milli_s)
{
    const struct rating_price *price = &choice->prices[stretch];
    const struct rating_price *list = &choice->list[stretch];
    struct rating_item item = {
        .pool = book->versions[price->version].pool,
        .unit_price_u = price->unit_price_u,
        .list_price_u = list->version == PRICE_BOOK_NONE ? price->unit_price_u : list->unit_price_u,
        .seconds = seconds,
        .gpu_milli_s = gpu_milli_s,
        .per_unit = book->versions[price->version].tariff.per_unit,
    };
    if (choice->discounts[stretch] != PRICE_BOOK_NONE)
        price_discount_apply(&book->discounts[choice->discounts[stretch]], &item);
    return item;
}
