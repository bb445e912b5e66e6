/* GET /docs: the document as a page, offline. With the console's files comes Swagger UI, which reads /openapi.json; without
 * them the page is a table of the operations, written here. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/server/server.h"

void docs_page(struct request *request, struct response *response);
