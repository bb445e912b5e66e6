/* The list of resources: what is not here is not served. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/registry.h"

const struct resource *const registry[] = {
    &zone_resource,
    &instance_type_resource,
    &node_resource,
    &tenant_resource,
    &token_resource,
    &price_resource,
    &asset_resource,
    &clock_resource,
    NULL,
};
