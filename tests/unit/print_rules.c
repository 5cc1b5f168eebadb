/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Prints every transition of a pair, one a line, in the table's order: from, a tab, to, a tab, the
 * trigger as people read it. Not a test of the transitions: the pair's tests walk them.
 * Run by test_transitions.sh, which compares them with xhs-pair.cfg(5).
 */
#include <stdio.h>

#include "core/pair_rules.h"

int main(void)
{
    for (const struct pair_rule *r = pair_rules; r->trigger; r++)
        printf("%s\t%s\t%s\n", pair_state_word(r->from), pair_state_word(r->to),
               pair_rule_text(r));
    return fflush(stdout) == 0 ? 0 : 1;
}
