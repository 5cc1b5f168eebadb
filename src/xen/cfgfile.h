/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Configuration files in xl.cfg's syntax, read by libxlutil, with the line of every key. Not the
 * meaning: core/config.h. Used by xhsd.
 */
#ifndef XHS_XEN_CFGFILE_H
#define XHS_XEN_CFGFILE_H

#include "core/config.h"
#include "core/error.h"

/* Read file into *raw (config.h). CONFIG errors carry file:line. config_raw_free in any case. */
int cfgfile_read(const char *file, struct config_raw *raw, struct xhs_error *err);

#endif
