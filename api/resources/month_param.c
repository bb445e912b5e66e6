/* A month by its first day. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/month_param.h"

#include "common/calendar.h"

enum err_kind month_param_check(struct request *request, const char *pointer, const char *text, struct err *reterr)
{
    int64_t day = 0;
    if (text != NULL && (calendar_date_parse(text, &day, NULL) != ERR_NONE || calendar_month_of_day(day) != day)) {
        field_problem_add(&request->problems, pointer, "out_of_range", "the first day of a month, YYYY-MM-01");
        return request_invalid(request, reterr);
    }
    return ERR_NONE;
}
