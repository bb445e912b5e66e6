/* Numbers as they are printed for people: "14,820.48", "5,952.0000", "2.49", "19 %". Pure. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#define DOCUMENT_TEXT_SIZE 40

/* An amount in minor units of a currency with that many decimals (0 to 6). */
void document_text_minor(int64_t amount_minor, int exponent, char ret[static DOCUMENT_TEXT_SIZE]);
/* Milli-GPU-seconds as GPU-hours: rounded half away from zero to four decimals. */
void document_text_gpu_hours(int64_t gpu_milli_s, char ret[static DOCUMENT_TEXT_SIZE]);
/* Millionths of a meter's unit, without the zeros at the end. */
void document_text_quantity(int64_t micro_units, char ret[static DOCUMENT_TEXT_SIZE]);
/* A price in micro-units: at least two decimals, and as many more as it takes. */
void document_text_price(int64_t price_u, char ret[static DOCUMENT_TEXT_SIZE]);
/* Basis points: "19 %", "7.25 %". */
void document_text_percent(int64_t basis_points, char ret[static DOCUMENT_TEXT_SIZE]);
