/* The table of commands. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/cli/command.h"
#include "api/cli/noun.h"

#define OPTIONS_OF_WHAT                                                                                                \
    (OPTION_BIT(INSTANCE_TYPE) | OPTION_BIT(GPUS) | OPTION_BIT(GPU_MILLI) | OPTION_BIT(GPU_MODELS) |                   \
     OPTION_BIT(CPU_MILLI) | OPTION_BIT(MEMORY_MIB) | OPTION_BIT(COUNT) | OPTION_BIT(ZONE) | OPTION_BIT(WITHIN) |      \
     OPTION_BIT(SPREAD) | OPTION_BIT(PLACEMENT) | OPTION_BIT(PREFERRED) | OPTION_BIT(TIER))
#define OPTIONS_OF_A_RESERVATION                                                                                       \
    (OPTIONS_OF_WHAT | OPTION_BIT(BODY) | OPTION_BIT(NAME) | OPTION_BIT(PROJECT) | OPTION_BIT(STARTS_AT) |             \
     OPTION_BIT(ENDS_AT) | OPTION_BIT(DURATION) | OPTION_BIT(START_FROM) | OPTION_BIT(START_TO) |                      \
     OPTION_BIT(IF_UNAVAILABLE) | OPTION_BIT(IMAGE) | OPTION_BIT(LABEL))
/* Of a list: how much of it, and of whom. */
#define OPTIONS_OF_A_LIST (OPTION_BIT(LIMIT) | OPTION_BIT(TENANT))
#define OPTIONS_OF_NAMES  (OPTIONS_OF_A_LIST | OPTION_BIT(NAME))

// clang-format off
const struct command commands[] = {
    {"login", NULL, 0, command_login, NULL,
     "Check a token, read from standard input or a prompt, and keep it with its address in a profile.",
     "sluice login --url https://gpu.example --profile work"},
    {"me", NULL, 0, command_me, NULL,
     "Show who the token stands for, and the domain's time.", NULL},
    {"reservation create", NULL, OPTIONS_OF_A_RESERVATION | OPTION_BIT(WAIT) | OPTION_BIT(VALIDATE_ONLY) | OPTION_BIT(IDEMPOTENCY_KEY),
     command_reservation_create, &noun_reservation,
     "Reserve instances for a window of time.",
     "sluice reservation create --name llama --instance-type h100.8x --count 16 --zone us-east-1a"
     " --starts-at 2026-12-01 --ends-at 2026-12-08 --within fabric --wait"},
    {"reservation get", "RESERVATION", OPTION_BIT(WAIT), command_reservation_get, &noun_reservation,
     "Show one reservation, by id or name, and its instances.", "sluice reservation get llama --wait"},
    {"reservation list", NULL, OPTIONS_OF_NAMES | OPTION_BIT(STATE) | OPTION_BIT(ZONE) | OPTION_BIT(PROJECT) | OPTION_BIT(INSTANCE_TYPE) |
     OPTION_BIT(TIER) | OPTION_BIT(FROM) | OPTION_BIT(TO) | OPTION_BIT(FIND) | OPTION_BIT(ORDER) | OPTION_BIT(INCLUDE), command_list,
     &noun_reservation, "List reservations; with --from and --to: those whose window meets that time.",
     "sluice reservation list --find llama --from 2026-12-01 --order newest"},
    {"reservation cancel", "RESERVATION", OPTION_BIT(IDEMPOTENCY_KEY), command_reservation_cancel, &noun_reservation,
     "End a reservation now, by id or name.", NULL},
    {"reservation amend", "RESERVATION", OPTION_BIT(STARTS_AT) | OPTION_BIT(ENDS_AT) | OPTION_BIT(COUNT) | OPTION_BIT(VALIDATE_ONLY) |
     OPTION_BIT(IDEMPOTENCY_KEY), command_reservation_amend, &noun_reservation,
     "Ask for other terms of a reservation, by id or name: what is not given stays.",
     "sluice reservation amend llama --ends-at 2026-12-10 --count 20 --validate-only"},
    {"quote create", NULL, OPTIONS_OF_A_RESERVATION | OPTION_BIT(TTL_S) | OPTION_BIT(WAIT) | OPTION_BIT(VALIDATE_ONLY) | OPTION_BIT(IDEMPOTENCY_KEY),
     command_reservation_create, &noun_quote,
     "Hold instances for a while, and learn what they cost.",
     "sluice quote create --name maybe --instance-type h100.8x --count 4 --zone us-east-1a --duration 7d"
     " --start-from 2026-12-01 --start-to 2026-12-20 --spread rack --ttl-s 3600"},
    {"quote get", "QUOTE", OPTION_BIT(WAIT), command_reservation_get, &noun_quote, "Show one quote, by id or name.", NULL},
    {"quote list", NULL, OPTIONS_OF_NAMES | OPTION_BIT(STATE) | OPTION_BIT(ZONE) | OPTION_BIT(INCLUDE), command_list, &noun_quote,
     "List quotes.", "sluice quote list --state held"},
    {"quote confirm", "QUOTE", OPTION_BIT(IDEMPOTENCY_KEY), command_quote_confirm, &noun_reservation,
     "Turn a quote into a reservation, by id or name.", "sluice quote confirm maybe"},
    {"quote delete", "QUOTE", 0, command_delete, &noun_quote, "Give back what a quote holds, by id or name.", NULL},
    {"availability", NULL, OPTION_BIT(ZONE) | OPTION_BIT(INSTANCE_TYPE) | OPTION_BIT(FROM) | OPTION_BIT(TO) | OPTION_BIT(STEP_S),
     command_availability, NULL, "Show how many instances of each type are free, step by step.",
     "sluice availability --instance-type h100.8x --from 2026-12-01 --to 2026-12-08 --step-s 86400"},
    {"offer", NULL, OPTIONS_OF_WHAT | OPTION_BIT(BODY) | OPTION_BIT(COUNT_LEAST) | OPTION_BIT(DURATION) |
     OPTION_BIT(DURATION_MOST) | OPTION_BIT(START_FROM) | OPTION_BIT(START_TO) | OPTION_BIT(BUDGET), command_offer, NULL,
     "Find the windows that fit, with their prices.",
     "sluice offer --instance-type h100.8x --count 16 --zone us-east-1a --duration 3d --duration-most 7d"
     " --start-to 2026-12-20 --budget '50000 USD'"},
    {"capacity", NULL, OPTION_BIT(ZONE) | OPTION_BIT(LEVEL) | OPTION_BIT(GPU_MODEL) | OPTION_BIT(FROM) | OPTION_BIT(TO) |
     OPTION_BIT(STEP_S), command_capacity, NULL,
     "Show in GPU-hours what the GPUs of each rack do by time (operators).",
     "sluice capacity --zone us-east-1a --step-s 86400"},
    {"simulate", NULL, OPTION_BIT(BODY) | OPTION_BIT(ZONE) | OPTION_BIT(TENANT), command_simulate, NULL,
     "Say what would come of a deal, or of a change of the fleet (operators); the document is that of POST /v1/system/simulate.",
     "sluice simulate --zone us-east-1a --tenant acme --body deal.json"},
    {"maintenance create", NULL, OPTION_BIT(BODY) | OPTION_BIT(ZONE) | OPTION_BIT(NODES) | OPTION_BIT(RACK) | OPTION_BIT(STARTS_AT) |
     OPTION_BIT(ENDS_AT) | OPTION_BIT(REASON) | OPTION_BIT(VALIDATE_ONLY) | OPTION_BIT(IDEMPOTENCY_KEY), command_create, &noun_maintenance,
     "Take nodes out of the fleet for a while (operators); with --validate-only: whom it hits, and the cheapest time.",
     "sluice maintenance create --zone us-east-1a --rack r1 --starts-at 2026-12-10 --ends-at 2026-12-10T06:00:00Z --reason firmware"},
    {"maintenance list", NULL, OPTION_BIT(LIMIT) | OPTION_BIT(STATE) | OPTION_BIT(ZONE) | OPTION_BIT(INCLUDE), command_list, &noun_maintenance,
     "List maintenance windows (operators).", NULL},
    {"maintenance get", "ID", 0, command_get, &noun_maintenance, "Show one maintenance window (operators).", NULL},
    {"maintenance cancel", "ID", OPTION_BIT(IDEMPOTENCY_KEY), command_act, &noun_maintenance,
     "End a maintenance window, or call it off (operators).", NULL},
    {"instance list", NULL, OPTIONS_OF_A_LIST | OPTION_BIT(STATE) | OPTION_BIT(RESERVATION) | OPTION_BIT(NODE), command_list, &noun_instance,
     "List instances.", NULL},
    {"node list", NULL, OPTION_BIT(LIMIT) | OPTION_BIT(STATE) | OPTION_BIT(NAME) | OPTION_BIT(ZONE) | OPTION_BIT(FABRIC) |
     OPTION_BIT(RACK) | OPTION_BIT(INCLUDE), command_list, &noun_node, "List the fleet's nodes (operators).", "sluice node list --state quarantined"},
    {"invoice list", NULL, OPTIONS_OF_A_LIST | OPTION_BIT(NUMBER) | OPTION_BIT(STATUS), command_list, &noun_invoice, "List invoices.", NULL},
    {"invoice get", "INVOICE", 0, command_invoice_get, &noun_invoice,
     "Show one invoice, by id or number, and its lines.", "sluice invoice get INV-000001"},
    {"quota list", NULL, OPTIONS_OF_A_LIST | OPTION_BIT(ZONE) | OPTION_BIT(PROJECT), command_list, &noun_quota, "List quotas, and what is held against them.", NULL},
    {"webhook list", NULL, OPTION_BIT(LIMIT) | OPTION_BIT(TARGET), command_list, &noun_webhook, "List webhooks, and how they fare.", NULL},
    {"webhook create", NULL, OPTION_BIT(BODY) | OPTION_BIT(TARGET) | OPTION_BIT(EVENTS) | OPTION_BIT(DESCRIPTION) | OPTION_BIT(VALIDATE_ONLY) | OPTION_BIT(IDEMPOTENCY_KEY), command_create,
     &noun_webhook_made, "Have events sent to an address; the secret that signs them is shown this once.",
     "sluice webhook create --target https://hooks.example.com/sluice --events 'reservation.*'"},
    {"webhook delete", "WEBHOOK", 0, command_delete, &noun_webhook, "Send no more events to an address, by id or URL.", NULL},
    {"audit list", NULL, OPTIONS_OF_A_LIST | OPTION_BIT(PRINCIPAL) | OPTION_BIT(ACTION) | OPTION_BIT(OBJECT) | OPTION_BIT(RESULT) |
     OPTION_BIT(FROM) | OPTION_BIT(UNTIL), command_list, &noun_audit,
     "List who did what, and what was refused (a tenant's admins, auditors).", "sluice audit list --result forbidden --from 2026-12-01"},
    {"usage list", NULL, OPTIONS_OF_A_LIST | OPTION_BIT(RESERVATION) | OPTION_BIT(FROM) | OPTION_BIT(TO),
     command_list, &noun_usage, "List metered usage.", NULL},
    {"margin", NULL, OPTION_BIT(BY) | OPTION_BIT(FROM) | OPTION_BIT(TO), command_margin, NULL,
     "Revenue against the fleet's amortization, idle capacity by cause (operators).",
     "sluice margin --by cohort --from 2026-01-01 --to 2026-02-01"},
    {"project list", NULL, OPTIONS_OF_NAMES, command_list, &noun_project, "List projects.", NULL},
    {"project create", NULL, OPTION_BIT(BODY) | OPTION_BIT(NAME) | OPTION_BIT(DESCRIPTION) | OPTION_BIT(LABEL) | OPTION_BIT(VALIDATE_ONLY) | OPTION_BIT(IDEMPOTENCY_KEY), command_create,
     &noun_project, "Make a project.", "sluice project create --name research"},
    {"project delete", "PROJECT", 0, command_delete, &noun_project, "Remove a project that is not in use, by id or name.", NULL},
    {"ssh-key list", NULL, OPTION_BIT(LIMIT) | OPTION_BIT(NAME) | OPTION_BIT(FINGERPRINT), command_list, &noun_ssh_key, "List SSH keys.", NULL},
    {"ssh-key create", NULL, OPTION_BIT(BODY) | OPTION_BIT(NAME) | OPTION_BIT(PUBLIC_KEY) | OPTION_BIT(VALIDATE_ONLY) | OPTION_BIT(IDEMPOTENCY_KEY), command_create, &noun_ssh_key,
     "Keep a public key for new reservations.", "sluice ssh-key create --name ana --public-key 'ssh-ed25519 AAAA... ana'"},
    {"ssh-key delete", "KEY", 0, command_delete, &noun_ssh_key, "Forget a public key, by id or name.", NULL},
    {"image list", NULL, OPTION_BIT(LIMIT) | OPTION_BIT(NAME), command_list, &noun_image, "List images.", NULL},
    {"image create", NULL, OPTION_BIT(BODY) | OPTION_BIT(NAME) | OPTION_BIT(DESCRIPTION) | OPTION_BIT(VALIDATE_ONLY) | OPTION_BIT(IDEMPOTENCY_KEY), command_create, &noun_image,
     "Offer an image (operators).", "sluice image create --name ubuntu-24.04-cuda"},
    {"image retire", "IMAGE", OPTION_BIT(VALIDATE_ONLY), command_retire, &noun_image,
     "Keep an image from new reservations, by id or name (operators).", NULL},
    {"image delete", "IMAGE", 0, command_delete, &noun_image, "Remove an image that nothing boots, by id or name (operators).", NULL},
    {"member list", NULL, OPTIONS_OF_NAMES, command_list, &noun_member,
     "List who belongs to the tenant.", NULL},
    {"member create", NULL, OPTION_BIT(BODY) | OPTION_BIT(NAME) | OPTION_BIT(EMAIL) | OPTION_BIT(ROLE) | OPTION_BIT(TENANT) | OPTION_BIT(VALIDATE_ONLY) | OPTION_BIT(IDEMPOTENCY_KEY), command_create,
     &noun_member, "Let somebody in.", "sluice member create --name ana --email ana@example.com --role admin"},
    {"member delete", "MEMBER", 0, command_delete, &noun_member, "Remove a person, and all tokens of theirs, by id or name.", NULL},
    {"service-account list", NULL, OPTIONS_OF_NAMES, command_list,
     &noun_service_account, "List the programs that act for the tenant.", NULL},
    {"service-account create", NULL, OPTION_BIT(BODY) | OPTION_BIT(NAME) | OPTION_BIT(DESCRIPTION) | OPTION_BIT(ROLE) | OPTION_BIT(TENANT) | OPTION_BIT(VALIDATE_ONLY) | OPTION_BIT(IDEMPOTENCY_KEY),
     command_create, &noun_service_account, "Let a program act.", "sluice service-account create --name deployer --role member"},
    {"service-account delete", "ACCOUNT", 0, command_delete, &noun_service_account,
     "Remove a program, and all tokens of its, by id or name.", NULL},
    {"token list", NULL, OPTIONS_OF_NAMES | OPTION_BIT(PRINCIPAL), command_list, &noun_token,
     "List tokens, without their texts.", NULL},
    {"token create", NULL, OPTION_BIT(BODY) | OPTION_BIT(NAME) | OPTION_BIT(PRINCIPAL) | OPTION_BIT(ROLE) | OPTION_BIT(SCOPES) |
     OPTION_BIT(EXPIRES_AT) | OPTION_BIT(VALIDATE_ONLY) | OPTION_BIT(IDEMPOTENCY_KEY), command_create, &noun_token_made, "Make a token; its text is shown this once.",
     "sluice token create --name ci --principal deployer --scopes reservations:write --expires-at 2027-01-01"},
    {"token revoke", "TOKEN", OPTION_BIT(IDEMPOTENCY_KEY), command_act, &noun_token, "End a token at once, by id or name.", NULL},
    {"token delete", "TOKEN", 0, command_delete, &noun_token, "End a token at once and forget it, by id or name.", NULL},
    {"session list", NULL, OPTION_BIT(LIMIT), command_list, &noun_session,
     "List the browsers that are signed in: one's own; to an admin the tenant's, to operators all.", NULL},
    {"session end", "ID", 0, command_delete, &noun_session, "Sign a browser out, at once.", NULL},
    {"session end-all", NULL, OPTION_BIT(PRINCIPAL_ID) | OPTION_BIT(VALIDATE_ONLY) | OPTION_BIT(IDEMPOTENCY_KEY), command_create,
     &noun_sessions_ended, "Sign every browser out of who asks, or of another (admins, operators).", "sluice session end-all"},
    {"zone list", NULL, OPTION_BIT(LIMIT) | OPTION_BIT(NAME), command_list, &noun_zone, "List zones.", NULL},
    {"instance-type list", NULL, OPTION_BIT(LIMIT) | OPTION_BIT(NAME), command_list, &noun_instance_type,
     "List instance types.", NULL},
    {"instance-type retire", "TYPE", OPTION_BIT(VALIDATE_ONLY), command_retire, &noun_instance_type,
     "Keep an instance type from new reservations, by id or name; what is reserved of it stays (operators).",
     "sluice instance-type retire h100.8x"},
    {"price list", NULL, OPTIONS_OF_A_LIST | OPTION_BIT(SKU_KIND) | OPTION_BIT(SKU), command_list, &noun_price,
     "List what a GPU-hour costs, in versions over time.", "sluice price list --sku h100.8x"},
    {0},
};
// clang-format on
