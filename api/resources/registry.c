/* The list of resources: what is not here is not served. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/registry.h"

const struct resource *const registry[] = {
    &me_resource,
    &zone_resource,
    &instance_type_resource,
    &node_resource,
    &tenant_resource,
    &token_resource,
    &price_resource,
    &asset_resource,
    &clock_resource,
    &instance_resource,
    &usage_resource,
    &invoice_resource,
    &allocation_resource,
    &margin_resource,
    &ledger_resource,
    &attribution_resource,
    &event_resource,
    &leader_resource,
    &partition_resource,
    &availability_resource,
    &offer_resource,
    &capacity_resource,
    &simulate_resource,
    &planner_resource,
    &document_resource,
    &reservation_resource,
    &quote_resource,
    NULL,
};
