/* One sentence per kind of charge. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "common/invoice_describe.h"

#include "common/calendar.h"
#include "common/cleanup.h"
#include "common/db.h"
#include "common/money.h"

#include <stdio.h>
#include <string.h>

/* What is charged or credited by a rule. */
static const struct {
    const char *reason, *text;
} rules[] = {
    {"sla_credit", "Credit for time that was promised and not delivered"},
    {"cancellation", "Cancellation before the start"},
    {"early_release", "Release before the end"},
    {"minimum", "Minimum duration"},
};

static const char *text_of_reason(const char *reason)
{
    for (size_t i = 0; i < COUNT_OF(rules) && reason != NULL; i++) {
        if (strcmp(reason, rules[i].reason) == 0)
            return rules[i].text;
    }
    return reason != NULL ? reason : "Adjustment";
}

static void describe_usage(const PGresult *groups, int row, char *ret)
{
    char price[MONEY_TEXT_SIZE];
    const char *sku = db_text(groups, row, GROUP_SKU);
    const char *unit = db_text(groups, row, GROUP_UNIT);
    if (db_text(groups, row, GROUP_UNIT_PRICE) != NULL) {
        money_print(db_int(groups, row, GROUP_UNIT_PRICE, 0), price);
        (void)snprintf(ret, INVOICE_DESCRIPTION_SIZE, "%s at %s %s per %s", sku, price,
                       db_text(groups, row, GROUP_CURRENCY), unit != NULL ? unit : "GPU-hour");
    } else if (db_text(groups, row, GROUP_COMMITMENT) != NULL) {
        (void)snprintf(ret, INVOICE_DESCRIPTION_SIZE, "%s, covered by a commitment", sku);
    } else {
        (void)snprintf(ret, INVOICE_DESCRIPTION_SIZE, "%s, %s price%s", sku, db_text(groups, row, GROUP_MODEL),
                       db_bool(groups, row, GROUP_DISCOUNTED) ? ", discounted" : "");
    }
}

/* A long name is cut. */
void invoice_describe(const PGresult *groups, int row, char ret[static INVOICE_DESCRIPTION_SIZE])
{
    const char *category = db_text(groups, row, GROUP_CATEGORY);
    if (strcmp(category, "purchase") == 0)
        (void)snprintf(ret, INVOICE_DESCRIPTION_SIZE, "Commitment fee");
    else if (strcmp(category, "usage") != 0)
        (void)snprintf(ret, INVOICE_DESCRIPTION_SIZE, "%s", text_of_reason(db_text(groups, row, GROUP_REASON)));
    else if (db_text(groups, row, GROUP_SKU) == NULL)
        (void)snprintf(ret, INVOICE_DESCRIPTION_SIZE, "Commitment, not used");
    else
        describe_usage(groups, row, ret);
    if (db_text(groups, row, GROUP_CORRECTS) == NULL)
        return;
    char date[CALENDAR_TIME_SIZE];
    size_t length = strlen(ret);
    calendar_time_print(db_int(groups, row, GROUP_CORRECTS, 0), date);
    (void)snprintf(ret + length, INVOICE_DESCRIPTION_SIZE - length, "; correction of the period from %s", date);
}
