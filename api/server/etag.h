/* Entity tags (RFC 9110, 8.8.3 and 13.1). Ours are strong: "<wish revision>-<status revision>". What a client sends is
 * a list of them, or "*". Pure. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Does If-None-Match name this tag? Compared weakly: a proxy may have made it weak. */
bool etag_is_known(const char *if_none_match, const char *etag);
/* Does If-Match name a tag of this wish, whatever its status? Compared strongly. */
bool etag_is_of_wish(const char *if_match, int64_t wish_revision);
