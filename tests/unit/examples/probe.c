/* Lets a script ask the pure functions of money: a JSON object a line on standard input, its answer a line on standard
 * output. What it knows stands in `kinds`; run.py says what it asks. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "common/asset_life.h"
#include "common/credit_amounts.h"
#include "common/invoice_amounts.h"
#include "common/must.h"
#include "common/rating_period.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ITEMS_MAX 64

static json_t *member(json_t *object, const char *name)
{
    json_t *found = json_object_get(object, name);
    must(found != NULL);
    return found;
}

static int64_t integer(json_t *object, const char *name)
{
    json_t *found = member(object, name);
    must(json_is_integer(found));
    return json_integer_value(found);
}

/* Null stands for what is not said. */
static int64_t integer_or(json_t *object, const char *name, int64_t otherwise)
{
    json_t *found = json_object_get(object, name);
    return found == NULL || json_is_null(found) ? otherwise : json_integer_value(found);
}

static const char *text(json_t *object, const char *name)
{
    const char *found = json_string_value(member(object, name));
    must(found != NULL);
    return found;
}

static int64_t element(json_t *array, size_t position)
{
    json_t *found = json_array_get(array, position);
    must(json_is_integer(found));
    return json_integer_value(found);
}

static void add(json_t *array, int64_t value)
{
    must(json_array_append_new(array, json_integer(value)) == 0);
}

/* ---- Assets ---- */

static struct depreciation_terms terms_of(json_t *asked)
{
    struct depreciation_terms terms = {
        .step_months = integer(asked, "step_months"),
        .in_service = integer(asked, "in_service"),
        .life_months = integer(asked, "life_months"),
        .cost_minor = integer(asked, "cost"),
        .salvage_minor = integer(asked, "salvage"),
        .lifetime_units = integer_or(asked, "lifetime_units", 0),
    };
    must(depreciation_method_of(text(asked, "method"), &terms.method));
    must(depreciation_convention_of(text(asked, "convention"), &terms.convention));
    must(depreciation_check(&terms, NULL) == ERR_NONE);
    return terms;
}

static struct asset_change change_of(json_t *asked)
{
    struct asset_change change = {
        .day = integer(asked, "day"),
        .units = integer_or(asked, "units", 0),
        .life_months = integer_or(asked, "life_months", ASSET_NOT_SAID),
        .salvage_minor = integer_or(asked, "salvage", ASSET_NOT_SAID),
        .undiscounted_minor = integer_or(asked, "undiscounted", ASSET_NOT_SAID),
        .fair_value_minor = integer_or(asked, "fair_value", 0),
        .value_in_use_minor = integer_or(asked, "value_in_use", ASSET_NOT_SAID),
        .selling_cost_minor = integer_or(asked, "selling_cost", 0),
        .proceeds_minor = integer_or(asked, "proceeds", 0),
        .part_count = integer_or(asked, "part_count", 0),
        .part_total = integer_or(asked, "part_total", 1),
    };
    must(asset_change_of(text(asked, "kind"), &change.kind));
    if (json_object_get(asked, "standard") != NULL)
        must(asset_standard_of(text(asked, "standard"), &change.standard));
    return change;
}

/* Each change's amount (null: refused), and what is carried on each day asked for: cost, depreciation, impairment. */
static json_t *answer_life(json_t *asked)
{
    struct depreciation_terms terms = terms_of(member(asked, "terms"));
    struct asset_life *life = calloc(1, sizeof *life);
    must(life != NULL);
    asset_life_begin(life, &terms);
    json_t *amounts = json_array();
    json_t *balances = json_array();
    size_t i;
    json_t *each;
    json_array_foreach(member(asked, "changes"), i, each)
    {
        struct asset_change change = change_of(each);
        struct asset_effect effect = {0};
        bool is_done = asset_life_apply(life, &change, &effect, NULL) == ERR_NONE;
        must(json_array_append_new(amounts, is_done ? json_integer(effect.amount_minor) : json_null()) == 0);
    }
    json_array_foreach(member(asked, "at"), i, each)
    {
        struct asset_balance balance = asset_life_balance(life, element(each, 0), element(each, 1));
        must(json_array_append_new(balances, json_pack("[I,I,I]", (json_int_t)balance.cost_minor,
                                                       (json_int_t)balance.accumulated_minor,
                                                       (json_int_t)balance.impairment_minor)) == 0);
    }
    free(life);
    return json_pack("{s:o,s:o}", "amounts", amounts, "balances", balances);
}

/* ---- Rating ---- */

static struct tariff tariff_of(json_t *asked)
{
    struct tariff tariff = {
        .gpu_hour_u = integer_or(asked, "unit", 0),
        .package_gpu_milli_s = integer_or(asked, "package", 0) * TARIFF_GPU_MILLI_S_PER_GPU_H,
    };
    must(tariff_model_from_text(text(asked, "model"), &tariff.model, NULL) == ERR_NONE);
    size_t i;
    json_t *tier;
    json_array_foreach(member(asked, "tiers"), i, tier)
    {
        json_t *end = json_array_get(tier, 0);
        must(i < TARIFF_TIERS_MAX);
        tariff.tiers[tariff.tier_count++] = (struct tariff_tier){
            json_is_null(end) ? TARIFF_OPEN_TIER : json_integer_value(end) * TARIFF_GPU_MILLI_S_PER_GPU_H,
            element(tier, 1)};
    }
    return tariff;
}

static json_t *answer_tariff(json_t *asked)
{
    struct tariff tariff = tariff_of(asked);
    int64_t amount_u = 0;
    must(tariff_amount(&tariff, integer(asked, "quantity"), &amount_u, NULL) == ERR_NONE);
    return json_integer(amount_u);
}

static struct rating_item item_of(json_t *asked)
{
    return (struct rating_item){
        .group = (size_t)integer(asked, "group"),
        .pool = integer(asked, "is_tariff") != 0 ? 0 : RATING_FLAT,
        .unit_price_u = integer(asked, "unit"),
        .list_price_u = integer(asked, "unit"),
        .discount_bp = integer(asked, "discount_bp"),
        .gpu_milli_s = integer(asked, "quantity"),
    };
}

/* Items at flat prices or at one tariff, and perhaps a usage commitment of all of them. What each is billed; what the
 * commitment's part of it costs; and what lies beyond. */
static json_t *answer_period(json_t *asked)
{
    struct rating_item items[ITEMS_MAX];
    struct rating_charge charges[RATING_CHARGES_MAX(ITEMS_MAX, 1)];
    struct money_share scratch[ITEMS_MAX];
    struct tariff tariff = tariff_of(member(asked, "tariff"));
    const struct tariff *tariffs[] = {&tariff};
    struct rating_commitment commitment = {.gpu_milli_s = integer(asked, "committed"),
                                           .cost_u = integer(asked, "cost")};
    size_t count = 0;
    size_t i;
    json_t *each;
    json_array_foreach(member(asked, "items"), i, each)
    {
        must(i < ITEMS_MAX);
        items[i] = item_of(each);
    }
    struct rating_input input = {.items = items,
                                 .item_count = json_array_size(member(asked, "items")),
                                 .tariffs = tariffs,
                                 .tariff_count = 1,
                                 .commitments = &commitment,
                                 .commitment_count = commitment.gpu_milli_s > 0};
    must(rating_period(&input, scratch, charges, &count, NULL) == ERR_NONE);
    int64_t billed[ITEMS_MAX] = {0};
    for (i = 0; i < count; i++)
        billed[charges[i].item] += charges[i].billed_u;
    json_t *amounts = json_array();
    for (i = 0; i < input.item_count; i++)
        add(amounts, billed[i]);
    return json_pack("{s:o,s:I,s:I}", "billed", amounts, "used", (json_int_t)commitment.used_u, "overage",
                     (json_int_t)commitment.overage_u);
}

static json_t *answer_commitment(json_t *asked)
{
    struct commitment_term term = {.total_minor = integer(asked, "total"),
                                   .upfront_bp = integer(asked, "upfront_bp"),
                                   .periods = (int64_t)json_array_size(member(asked, "marks")) - 1};
    json_t *marks = member(asked, "marks");
    json_t *costs = json_array();
    term.from_s = element(marks, 0);
    term.to_s = element(marks, (size_t)term.periods);
    for (int64_t i = 0; i < term.periods; i++) {
        struct commitment_cost cost = {0};
        must(commitment_cost_of_period(&term, i, element(marks, (size_t)i), element(marks, (size_t)i + 1), &cost,
                                       NULL) == ERR_NONE);
        must(json_array_append_new(
                 costs, json_pack("[I,I]", (json_int_t)cost.billed_minor, (json_int_t)cost.cost_minor)) == 0);
    }
    return costs;
}

/* ---- Documents ---- */

static json_t *answer_invoice(json_t *asked)
{
    struct invoice_line_amount lines[ITEMS_MAX] = {0};
    struct money_share tax[ITEMS_MAX] = {0};
    struct invoice_amounts sums = {0};
    json_t *amounts = member(asked, "amounts");
    size_t count = json_array_size(amounts);
    must(count <= ITEMS_MAX);
    for (size_t i = 0; i < count; i++)
        lines[i].amount_u = element(amounts, i);
    must(invoice_amounts_round(lines, count, (int)integer(asked, "exponent"), NULL) == ERR_NONE);
    must(invoice_amounts_tax(lines, count, integer(asked, "rate_bp"), tax, &sums, NULL) == ERR_NONE);
    json_t *nets = json_array();
    json_t *shown = json_array();
    for (size_t i = 0; i < count; i++) {
        add(nets, lines[i].net_minor);
        add(shown, tax[i].amount);
    }
    return json_pack("{s:o,s:o,s:I,s:I}", "nets", nets, "shown", shown, "tax", (json_int_t)sums.tax_minor, "total",
                     (json_int_t)sums.total_minor);
}

/* An invoice of one line, credited by shares one after the other: (net, tax) of each, null where it is refused. */
static json_t *answer_credits(json_t *asked)
{
    struct credit_line line = {.amount_u = integer(asked, "amount"), .net_minor = integer(asked, "net")};
    struct credit_tax tax = {.net_minor = line.net_minor, .tax_minor = integer(asked, "tax")};
    json_t *notes = json_array();
    size_t i;
    json_t *each;
    json_array_foreach(member(asked, "shares"), i, each)
    {
        struct money_share shown;
        line.measure = CREDIT_SHARE;
        line.numerator = element(each, 0);
        line.denominator = element(each, 1);
        if (credit_amounts_line(&line, (int)integer(asked, "exponent"), NULL) != ERR_NONE) {
            must(json_array_append_new(notes, json_null()) == 0);
            continue;
        }
        must(credit_amounts_tax(&line, 1, &tax, &shown, NULL) == ERR_NONE);
        must(json_array_append_new(
                 notes, json_pack("[I,I]", (json_int_t)line.credit_minor, (json_int_t)tax.credit_tax_minor)) == 0);
        line.credited_u += line.credit_u;
        line.credited_minor += line.credit_minor;
        tax.credited_net_minor += line.credit_minor;
        tax.credited_tax_minor += tax.credit_tax_minor;
    }
    return notes;
}

static const struct kind {
    const char *name;
    json_t *(*answer)(json_t *asked);
} kinds[] = {
    {"life", answer_life},       {"tariff", answer_tariff},
    {"period", answer_period},   {"commitment", answer_commitment},
    {"invoice", answer_invoice}, {"credits", answer_credits},
};

static json_t *answer(json_t *asked)
{
    const char *name = text(asked, "kind");
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        if (strcmp(kinds[i].name, name) == 0)
            return kinds[i].answer(asked);
    }
    must(false); /* run.py names no other */
    return NULL;
}

int main(void)
{
    char *line = NULL;
    size_t size = 0;
    while (getline(&line, &size, stdin) > 0) {
        json_t *asked = json_loads(line, 0, NULL);
        must(asked != NULL);
        json_t *told = answer(asked);
        must(told != NULL && json_dumpf(told, stdout, JSON_COMPACT | JSON_ENCODE_ANY) == 0);
        must(putchar('\n') != EOF);
        json_decref(told);
        json_decref(asked);
    }
    free(line);
    return 0;
}
