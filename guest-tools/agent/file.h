/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Small files as a whole: the kernel's, and the agent's own.
 * Not for files that people write: jobfile.c.
 * Called by xhs-agent; file_write also by a child before it executes.
 */
#ifndef AGENT_FILE_H
#define AGENT_FILE_H

#include <sys/types.h>

#include "core/error.h"

/* The file's first size - 1 bytes and a NUL. Returns how many; -1 with errno. A fifo is empty. */
ssize_t file_read(const char *path, char *buf, size_t size);

/* Into a file that exists, by one write. 0; -1 with errno. Async-signal-safe. */
int file_write(const char *path, const char *text);

/* dir/name is what it was, or all of the text, whatever happens meanwhile. */
int file_replace(const char *dir, const char *name, mode_t mode, const char *text, size_t len,
                 struct xhs_error *e);

#endif
