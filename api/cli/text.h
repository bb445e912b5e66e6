/* JSON values as text for people. Nothing that a server says reaches the terminal with its control characters. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>
#include <stddef.h>

struct arena;

/* Releases a reference: for CLEANUP. */
void json_release(json_t **value);

/* The value at "status.state": NULL where there is none, or on the way there something that is no object. Borrowed. */
const json_t *json_at(const json_t *root, const char *path);
/* The string there, or NULL. */
const char *json_text_at(const json_t *root, const char *path);

/* The text with each control character, invisible direction mark included, as '?'. */
const char *text_printable(struct arena *arena, const char *text);
/* How many columns of a terminal the text takes: two of a wide character, none of a mark that joins the one before. By the
 * process's LC_CTYPE, which must be one of UTF-8, as the API's texts are. */
size_t text_width(const char *text);

/* How a value looks in a cell; "" for null and for what is not there. Each takes whatever a server sent. */
typedef const char *text_of_json(struct arena *arena, const json_t *value);
text_of_json text_of_value; /* strings and numbers as they are, lists with commas, objects as key: value */
text_of_json text_of_time;  /* "2026-12-01 08:00:00", UTC */
text_of_json text_of_money; /* "2490.000000 USD", the amount as given */
text_of_json text_of_hours; /* a number of hours, as short as it is exact */
text_of_json text_of_milli; /* 470 is "0.47", 8000 is "8" */
text_of_json text_of_gpus;  /* of an instance type: whole GPUs or the share of one */
text_of_json text_of_what;  /* of a reservation: its instance type or shape */
