/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * UUIDs as text, 8-4-4-4-12 lower case. Used by xhsd.
 * Not named uuid_parse: libxl calls libuuid's function of that name, and would get ours.
 */
#ifndef XHS_XHSD_UUID_H
#define XHS_XHSD_UUID_H

#include <stdbool.h>
#include <stdint.h>

#define UUID_TEXT 37

void uuid_to_text(char out[UUID_TEXT], const uint8_t uuid[16]);
bool uuid_from_text(const char *text, uint8_t out[16]);

#endif
