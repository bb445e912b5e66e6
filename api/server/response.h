/* An answer as a handler makes it: a status and, where there is one, a JSON body written by a table. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/server/field.h"
#include "api/server/page.h"
#include "api/server/request.h"

#include <libpq-fe.h>

#define RESPONSE_HEADERS_MAX 12

struct response_header {
    const char *name, *value;
};

struct stream;

struct response {
    int status;
    const char *content_type; /* "application/json" unless said */
    struct json_out body;
    struct response_header headers[RESPONSE_HEADERS_MAX];
    int header_count;
    bool is_passing;       /* the object is in a state that it leaves by itself (route->passing) */
    struct stream *stream; /* server-sent events instead of a body: see stream.h */
};

void response_header(struct response *response, const char *name, const char *value); /* the value is the arena's */

/* One object. response_row must(row exists): look first, and return ERR_NOT_FOUND. */
void response_row(struct response *response, int status, const struct field *fields, const PGresult *result, int row);
void response_struct(struct response *response, int status, const struct field *fields, const void *source);
/* The same with its ETag, by the row's columns wish_revision and, where it has one, status_revision (any text of
 * digits, letters and points; else a digest of what is said); a GET whose If-None-Match has it becomes 304. What most
 * handlers want. */
void response_object(const struct request *request, struct response *response, int status, const struct field *fields,
                     const PGresult *result, int row);
/* Its part about the ETag. True: it is answered, 304. */
bool response_is_known(const struct request *request, struct response *response, const PGresult *result, int row);
/* Of a GET of one object whose handler gave no ETag: its version is what it says. Without effect on any other answer.
 */
void response_version(const struct request *request, struct response *response);
bool response_has_header(const struct response *response, const char *name);
/* Adds a member to the object that is the body; its value is JSON. */
void response_member(struct response *response, const char *key, const char *json);
/* {"items": [...], "next_page": ...}: the rows of a page; see page.h for what the statement must do. */
void response_list(struct request *request, struct response *response, const struct field *fields,
                   const PGresult *result, const struct page *page);
