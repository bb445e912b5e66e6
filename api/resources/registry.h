/* All resources of the API, in the order of the document. A new resource file adds its line here and in registry.c. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/server/route.h"

/* Ends with NULL. */
extern const struct resource *const registry[];

extern const struct resource zone_resource;
