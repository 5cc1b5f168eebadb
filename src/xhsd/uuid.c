/* SPDX-License-Identifier: GPL-2.0-or-later */
/* UUIDs as text: see uuid.h. */
#include "xhsd/uuid.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/msg.h"

void uuid_to_text(char out[UUID_TEXT], const uint8_t u[16])
{
    snprintf(out, UUID_TEXT,
             "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", u[0], u[1],
             u[2], u[3], u[4], u[5], u[6], u[7], u[8], u[9], u[10], u[11], u[12], u[13], u[14],
             u[15]);
}

bool uuid_from_text(const char *text, uint8_t out[16])
{
    if (!msg_valid_uuid(text))
        return false;
    for (int i = 0; i < 16; i++) {
        char two[3];

        while (*text == '-')
            text++;
        two[0] = *text++;
        two[1] = *text++;
        two[2] = '\0';
        out[i] = (uint8_t)strtoul(two, NULL, 16);
    }
    return true;
}
