/* Names for completion: what the API says, or the profiles. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/cli/complete.h"

/* Whatever goes wrong, no word is said and nothing offered; if the API does not answer within a second, the program
 * ends. */
complete_names complete_names_print;
