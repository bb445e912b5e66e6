/* Names of GPU models, which nodes, shapes, quotas, prices and costs share. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#define GPU_MODEL_LENGTH_MAX 47 /* characters; planners have room for as many and a 0 */
