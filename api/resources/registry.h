/* All resources of the API, in the order of the document. A new resource file adds its line here and in registry.c. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/server/route.h"

/* Ends with NULL. */
extern const struct resource *const registry[];

extern const struct resource asset_resource;
extern const struct resource clock_resource;
extern const struct resource instance_type_resource;
extern const struct resource node_resource;
extern const struct resource price_resource;
extern const struct resource tenant_resource;
extern const struct resource token_resource;
extern const struct resource zone_resource;
