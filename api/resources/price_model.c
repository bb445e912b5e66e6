/* Tiers, packages, windows. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/price_model.h"

#include "api/server/json_out.h"

#include <string.h>

const char *const price_models[] = {"flat", "graduated", "volume", "package", NULL};
static const char *const days[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

// clang-format off
const struct field price_tier_fields[] = {
    FIELD_INT   ("up_to_gpu_hours", struct price_tier, up_to_gpu_hours, .flags = FIELD_NULLABLE, .least = 1, .most = 1000000000, .example = "500", .help = "Its end, inclusive, in GPU-hours, or units of a meter, of a billing period; null: none, as of the last tier"),
    FIELD_AMOUNT("gpu_hour",        struct price_tier, gpu_hour_u, .flags = FIELD_REQUIRED, .example = "2.490000", .help = "Price of a GPU-hour or unit in it"),
    FIELDS_END,
};

const struct field price_window_fields[] = {
    FIELD_LIST  ("days",     struct price_window_wish, days, .flags = FIELD_REQUIRED, .least = 1, .most = 7, .example = "[\"mon\"]", .help = "Days on which it begins: mon to sun"),
    FIELD_TEXT  ("from",     struct price_window_wish, from, .flags = FIELD_REQUIRED, .least = 5, .most = 5, .example = "20:00", .help = "Local time, inclusive, in the tenant's billing timezone"),
    FIELD_TEXT  ("to",       struct price_window_wish, to, .flags = FIELD_REQUIRED, .least = 5, .most = 5, .example = "06:00", .help = "Local time, exclusive; not after from: of the next day"),
    FIELD_AMOUNT("gpu_hour", struct price_window_wish, gpu_hour_u, .flags = FIELD_REQUIRED, .example = "1.990000", .help = "Price of a GPU-hour in it"),
    FIELDS_END,
};
// clang-format on

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* "HH:MM" of a day. */
static bool is_time(const char *text)
{
    return strlen(text) == 5 && is_digit(text[0]) && is_digit(text[1]) && text[2] == ':' && is_digit(text[3]) &&
           is_digit(text[4]) && (text[0] < '2' || (text[0] == '2' && text[1] < '4')) && text[3] < '6';
}

/* The mask of the days, 1 Monday to 64 Sunday; 0 where a text is none. */
static int64_t mask_of(const struct field_list *list)
{
    int64_t mask = 0;
    for (size_t i = 0; i < list->count; i++) {
        size_t day = 0;
        while (day < COUNT_OF(days) && strcmp(days[day], list->items[i]) != 0)
            day++;
        if (day == COUNT_OF(days))
            return 0;
        mask |= INT64_C(1) << day;
    }
    return mask;
}

static void check_tiers(struct request *request, const struct price_model *model, int64_t first_u)
{
    const struct price_tier *tiers = model->tiers.items;
    int64_t below = 0;
    for (size_t i = 0; i < model->tiers.count; i++) {
        bool is_last = i + 1 == model->tiers.count;
        bool is_open = tiers[i].up_to_gpu_hours == FIELD_NULL;
        if (is_open != is_last || (!is_open && tiers[i].up_to_gpu_hours <= below) || tiers[i].gpu_hour_u < 0) {
            field_problem_add(&request->problems, "/tiers", "out_of_range",
                              "tiers rise, and only the last has no end; no price is negative");
            return;
        }
        below = tiers[i].up_to_gpu_hours;
    }
    if (model->tiers.count > 0 && tiers[0].gpu_hour_u != first_u)
        field_problem_add(&request->problems, "/gpu_hour/amount", "out_of_range", "must be that of the first tier");
}

static void check_windows(struct request *request, const struct price_model *model)
{
    const struct price_window_wish *windows = model->windows.items;
    for (size_t i = 0; i < model->windows.count; i++) {
        if (mask_of(&windows[i].days) == 0 || !is_time(windows[i].from) || !is_time(windows[i].to) ||
            windows[i].gpu_hour_u < 0) {
            field_problem_add(&request->problems, "/windows", "out_of_range",
                              "days are mon to sun, from and to are times as \"20:00\", prices are not negative");
            return;
        }
    }
}

void price_model_check(struct request *request, const struct price_model *model, int64_t first_u)
{
    bool has_tiers = model->tiers.count > 0;
    bool wants_tiers = strcmp(model->model, "graduated") == 0 || strcmp(model->model, "volume") == 0;
    bool is_package = strcmp(model->model, "package") == 0;
    if (has_tiers != wants_tiers)
        field_problem_add(&request->problems, "/tiers", "out_of_range",
                          "graduated and volume prices have tiers, no other");
    if (is_package != (model->package_gpu_hours != FIELD_NULL))
        field_problem_add(&request->problems, "/package_gpu_hours", "out_of_range", "package prices have it, no other");
    if (model->windows.count > 0 && strcmp(model->model, "flat") != 0)
        field_problem_add(&request->problems, "/windows", "out_of_range", "only flat prices have windows");
    check_tiers(request, model, first_u);
    check_windows(request, model);
}

const char *price_model_tiers(struct request *request, const struct price_model *model)
{
    if (model->tiers.count == 0)
        return NULL;
    const struct price_tier *tiers = model->tiers.items;
    struct json_out out;
    json_out_init(&out, request->arena);
    json_out_open(&out, '[');
    for (size_t i = 0; i < model->tiers.count; i++) {
        json_out_open(&out, '{');
        json_out_key(&out, "up_to_gpu_hours");
        if (tiers[i].up_to_gpu_hours == FIELD_NULL)
            json_out_null(&out);
        else
            json_out_int(&out, tiers[i].up_to_gpu_hours);
        json_out_key(&out, "gpu_hour_u");
        json_out_int(&out, tiers[i].gpu_hour_u);
        json_out_close(&out, '}');
    }
    json_out_close(&out, ']');
    return json_out_finish(&out);
}

const char *price_model_windows(struct request *request, const struct price_model *model)
{
    if (model->windows.count == 0)
        return NULL;
    const struct price_window_wish *windows = model->windows.items;
    struct json_out out;
    json_out_init(&out, request->arena);
    json_out_open(&out, '[');
    for (size_t i = 0; i < model->windows.count; i++) {
        json_out_open(&out, '{');
        json_out_key(&out, "days");
        json_out_int(&out, mask_of(&windows[i].days));
        json_out_key(&out, "from");
        json_out_text(&out, windows[i].from);
        json_out_key(&out, "to");
        json_out_text(&out, windows[i].to);
        json_out_key(&out, "gpu_hour_u");
        json_out_int(&out, windows[i].gpu_hour_u);
        json_out_close(&out, '}');
    }
    json_out_close(&out, ']');
    return json_out_finish(&out);
}

int64_t price_model_least_u(const struct price_model *model, int64_t first_u)
{
    int64_t least_u = first_u;
    const struct price_tier *tiers = model->tiers.items;
    for (size_t i = 0; i < model->tiers.count; i++)
        least_u = tiers[i].gpu_hour_u < least_u ? tiers[i].gpu_hour_u : least_u;
    const struct price_window_wish *windows = model->windows.items;
    for (size_t i = 0; i < model->windows.count; i++)
        least_u = windows[i].gpu_hour_u < least_u ? windows[i].gpu_hour_u : least_u;
    return least_u;
}

int64_t price_model_most_u(const struct price_model *model, int64_t first_u)
{
    int64_t most_u = first_u;
    const struct price_tier *tiers = model->tiers.items;
    for (size_t i = 0; i < model->tiers.count; i++)
        most_u = tiers[i].gpu_hour_u > most_u ? tiers[i].gpu_hour_u : most_u;
    const struct price_window_wish *windows = model->windows.items;
    for (size_t i = 0; i < model->windows.count; i++)
        most_u = windows[i].gpu_hour_u > most_u ? windows[i].gpu_hour_u : most_u;
    return most_u;
}
