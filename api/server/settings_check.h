/* What --check-config warns of among the settings of sluice-api. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/config_check.h"

extern const struct config_check api_settings_checks[]; /* of struct api_settings */
