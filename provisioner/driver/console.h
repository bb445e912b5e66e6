/* What a driver collects of the consoles until it is saved: its half of driver_ops.said. One thread. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "provisioner/driver/driver.h"

struct arena;

/* A variable starts as {0}. */
struct console {
    struct driver_line *lines;
    size_t count, capacity;
    struct arena *texts; /* NULL until something is said */
};

/* A line as it may be kept and shown: bytes that are no UTF-8 become U+FFFD, a tab a space; escape sequences (ECMA-48)
 * and other control characters go; what is too long is cut and ends in an ellipsis. Pure. */
void console_text(const char *raw, char ret[static DRIVER_LINE_SIZE]);

/* Line `number` of that stay, from 1. raw is as it came from the console, without its end of line. */
void console_say(struct console *console, const struct driver_workload *is, int64_t number, int64_t at_s,
                 const char *raw);
/* All of them, until the console is used again. */
struct driver_lines console_lines(const struct console *console);
/* Forgets them. */
void console_reset(struct console *console);
void console_clear(struct console *console); /* with the driver */
