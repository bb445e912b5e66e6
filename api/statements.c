/* The lists of the modules, and those of the resources out of the registry. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/statements.h"

#include "api/audit/refusals.h"
#include "api/audit/sealer.h"
#include "api/audit/store.h"
#include "api/auth/token_cache.h"
#include "api/auth/token_command.h"
#include "api/resources/amendment.h"
#include "api/resources/amendment_preview.h"
#include "api/resources/asset.h"
#include "api/resources/asset_books.h"
#include "api/resources/break_even_facts.h"
#include "api/resources/elsewhere.h"
#include "api/resources/invoice_explain_terms.h"
#include "api/resources/invoice_request_preview.h"
#include "api/resources/other_types.h"
#include "api/resources/person.h"
#include "api/resources/planning_wish.h"
#include "api/resources/price_estimate.h"
#include "api/resources/price_floor_check.h"
#include "api/resources/quote_price.h"
#include "api/resources/registry.h"
#include "api/resources/reservation.h"
#include "api/resources/reservation_charge.h"
#include "api/resources/reservation_cost.h"
#include "api/resources/reservation_meters.h"
#include "api/resources/tenant_named.h"
#include "api/resources/token.h"
#include "api/resources/webhook_store.h"
#include "api/server/answers.h"
#include "api/server/await.h"
#include "api/server/background.h"
#include "api/server/follower.h"
#include "api/server/holder.h"
#include "api/server/question.h"
#include "api/server/server.h"
#include "api/server/vitals.h"
#include "api/webhook/queue.h"
#include "api/webhook/reseal.h"
#include "common/alloc.h"
#include "common/clock.h"
#include "common/db_check.h"
#include "common/db_lane.h"
#include "common/lease.h"
#include "common/price_book.h"

#include <stdlib.h>

#define TENANTS "sluice_api"
#define SYSTEM  "sluice_api_system"
#define WRITER  "sluice_api_writer"

static const struct db_check own[] = {
    // clang-format off
    {reservation_batch_statements,   WRITER,  NULL},
    {quote_price_statements,         TENANTS, SYSTEM},
    {price_floor_check_statements,   SYSTEM,  NULL},
    {explain_steps_statements,       TENANTS, SYSTEM},
    {explain_priced_statements,      TENANTS, SYSTEM},
    {explain_charged_statements,     TENANTS, SYSTEM},
    {reservation_charge_statements,  TENANTS, SYSTEM},
    {reservation_cost_statements,    TENANTS, SYSTEM},
    {reservation_meters_statements,  TENANTS, SYSTEM},
    {admission_preview_statements,   TENANTS, NULL},
    {reservation_preview_statements, TENANTS, NULL},
    {elsewhere_statements,           TENANTS, NULL},
    {other_types_statements,         TENANTS, NULL},
    {reservation_list_statements,    TENANTS, SYSTEM},
    {amendment_statements,           TENANTS, SYSTEM},
    {amendment_preview_statements,   TENANTS, SYSTEM},
    {price_estimate_statements,      TENANTS, SYSTEM},
    {tenant_named_statements,        SYSTEM,  NULL},
    {break_even_facts_statements,    SYSTEM,  NULL},
    {price_book_statements,          TENANTS, SYSTEM},
    {invoice_request_preview_statements, SYSTEM, NULL},
    {planning_wish_statements,       TENANTS, SYSTEM},
    {planning_statements,            TENANTS, SYSTEM},
    {db_transaction_statements,      WRITER,  NULL},
    {db_schema_statements,           SYSTEM,  NULL},
    {clock_domain_statements,        TENANTS, SYSTEM},
    {db_lane_statements,             TENANTS, SYSTEM},
    {lease_statements,               SYSTEM,  NULL},
    {background_statements,          SYSTEM,  NULL},
    {vitals_statements,              SYSTEM,  NULL},
    {follower_statements,            SYSTEM,  NULL},
    {holder_statements,       SYSTEM,  NULL},
    {answers_statements,             SYSTEM,  NULL},
    {await_statements,               SYSTEM,  NULL},
    {question_statements,            TENANTS, SYSTEM},
    {token_cache_statements,         SYSTEM,  NULL},
    {token_command_statements,       SYSTEM,  NULL},
    {token_create_statements,        TENANTS, SYSTEM},
    {person_statements,              SYSTEM,  NULL},
    {reservation_decided_statements, SYSTEM,  NULL},
    {request_statements,             TENANTS, SYSTEM},
    {execute_statements,             TENANTS, SYSTEM},
    {audit_store_statements,         SYSTEM,  NULL},
    {audit_sealer_statements,        SYSTEM,  NULL},
    {audit_refusals_statements,      SYSTEM,  NULL},
    {asset_make_statements,          SYSTEM,  NULL},
    {asset_books_statements,         SYSTEM,  NULL},
    {webhook_store_statements,       TENANTS, SYSTEM},
    {queue_statements,               SYSTEM,  NULL},
    {reseal_statements,              SYSTEM,  NULL},
    {event_cursor_statements,        SYSTEM,  NULL},
    // clang-format on
};

int statements_check(const char *database_url)
{
    size_t count = 0;
    while (registry[count] != NULL)
        count++;
    struct db_check *checks = alloc_zero(COUNT_OF(own) + count + 1, sizeof *checks);
    for (size_t i = 0; i < COUNT_OF(own); i++)
        checks[i] = own[i];
    for (size_t i = 0; i < count; i++)
        checks[COUNT_OF(own) + i] = (struct db_check){registry[i]->statements, TENANTS, SYSTEM};
    int status = db_check_statements(database_url, checks);
    free(checks);
    return status;
}
