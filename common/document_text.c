/* One way to write a decimal. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "common/document_text.h"

#include "common/money.h"
#include "common/must.h"

#include <stdio.h>

#define GROUP               3
#define GPU_HOUR_DECIMALS   4
#define MILLI_S_PER_DECIMAL INT64_C(360) /* 3,600,000 milli-GPU-seconds to the hour, in ten-thousandths */

/* value x 10^-decimals with groups of thousands, without the zeros at its end that are not least. */
static void print_decimal(int64_t value, int decimals, int least, char ret[static DOCUMENT_TEXT_SIZE])
{
    char digits[DOCUMENT_TEXT_SIZE];
    uint64_t magnitude = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    int first = DOCUMENT_TEXT_SIZE; /* 20 digits at most, and a zero before the point */
    while (magnitude > 0 || first > DOCUMENT_TEXT_SIZE - decimals - 1) {
        digits[--first] = (char)('0' + magnitude % 10);
        magnitude /= 10;
    }
    int whole = DOCUMENT_TEXT_SIZE - decimals;
    int end = DOCUMENT_TEXT_SIZE;
    while (end > whole + least && digits[end - 1] == '0')
        end--;
    char *to = ret;
    if (value < 0)
        *to++ = '-';
    for (int i = first; i < end; i++) {
        if (i > first && i < whole && (whole - i) % GROUP == 0)
            *to++ = ',';
        if (i == whole)
            *to++ = '.';
        *to++ = digits[i];
    }
    *to = '\0';
}

void document_text_minor(int64_t amount_minor, int exponent, char ret[static DOCUMENT_TEXT_SIZE])
{
    print_decimal(amount_minor, exponent, exponent, ret);
}

void document_text_gpu_hours(int64_t gpu_milli_s, char ret[static DOCUMENT_TEXT_SIZE])
{
    int64_t rounded = 0;
    enum err_kind kind = money_round(gpu_milli_s, MILLI_S_PER_DECIMAL, MONEY_HALF_AWAY, &rounded, NULL);
    must(kind == ERR_NONE); /* it becomes smaller */
    print_decimal(rounded, GPU_HOUR_DECIMALS, GPU_HOUR_DECIMALS, ret);
}

void document_text_quantity(int64_t micro_units, char ret[static DOCUMENT_TEXT_SIZE])
{
    print_decimal(micro_units, MONEY_MICRO_EXPONENT, 0, ret);
}

void document_text_price(int64_t price_u, char ret[static DOCUMENT_TEXT_SIZE])
{
    print_decimal(price_u, MONEY_MICRO_EXPONENT, 2, ret);
}

void document_text_percent(int64_t basis_points, char ret[static DOCUMENT_TEXT_SIZE])
{
    char number[DOCUMENT_TEXT_SIZE];
    print_decimal(basis_points, 2, 0, number);
    (void)snprintf(ret, DOCUMENT_TEXT_SIZE, "%.*s %%", DOCUMENT_TEXT_SIZE - 4, number);
}
