/* All resources of the API, in the order of the document. A new resource file adds its line here and in registry.c. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/server/route.h"

/* Ends with NULL. */
extern const struct resource *const registry[];

extern const struct resource allocation_resource;
extern const struct resource amendment_resource;
extern const struct resource asset_resource;
extern const struct resource asset_change_resource;
extern const struct resource asset_import_resource;
extern const struct resource asset_schedule_resource;
extern const struct resource attribution_resource;
extern const struct resource audit_resource;
extern const struct resource audit_chain_resource;
extern const struct resource availability_resource;
extern const struct resource balance_resource;
extern const struct resource billing_profile_resource;
extern const struct resource capacity_resource;
extern const struct resource clock_resource;
extern const struct resource cohort_resource;
extern const struct resource cost_rate_resource;
extern const struct resource credit_resource;
extern const struct resource credit_grant_resource;
extern const struct resource credit_note_resource;
extern const struct resource document_resource;
extern const struct resource event_resource;
extern const struct resource fleet_resource;
extern const struct resource idle_resource;
extern const struct resource image_resource;
extern const struct resource instance_resource;
extern const struct resource instance_type_resource;
extern const struct resource invoice_explain_resource;
extern const struct resource invoice_preview_resource;
extern const struct resource invoice_request_resource;
extern const struct resource invoice_resource;
extern const struct resource leader_resource;
extern const struct resource ledger_resource;
extern const struct resource maintenance_resource;
extern const struct resource margin_resource;
extern const struct resource break_even_resource;
extern const struct resource market_price_resource;
extern const struct resource book_value_resource;
extern const struct resource focus_resource;
extern const struct resource unit_cost_resource;
extern const struct resource payback_resource;
extern const struct resource me_resource;
extern const struct resource month_close_resource;
extern const struct resource node_change_resource;
extern const struct resource member_resource;
extern const struct resource node_resource;
extern const struct resource partition_resource;
extern const struct resource offer_resource;
extern const struct resource payment_resource;
extern const struct resource planner_resource;
extern const struct resource price_resource;
extern const struct resource commitment_resource;
extern const struct resource discount_resource;
extern const struct resource charge_policy_resource;
extern const struct resource usage_correction_resource;
extern const struct resource project_resource;
extern const struct resource power_resource;
extern const struct resource gpu_health_resource;
extern const struct resource purchase_order_resource;
extern const struct resource quota_resource;
extern const struct resource quote_resource;
extern const struct resource reservation_resource;
extern const struct resource reservation_change_resource;
extern const struct resource reservation_books_resource;
extern const struct resource service_account_resource;
extern const struct resource simulate_resource;
extern const struct resource ssh_key_resource;
extern const struct resource system_quota_resource;
extern const struct resource statement_resource;
extern const struct resource tax_rate_resource;
extern const struct resource tenant_resource;
extern const struct resource token_resource;
extern const struct resource session_resource;
extern const struct resource sign_in_resource;
extern const struct resource topology_resource;
extern const struct resource usage_resource;
extern const struct resource usage_summary_resource;
extern const struct resource webhook_resource;
extern const struct resource webhook_delivery_resource;
extern const struct resource zone_resource;
