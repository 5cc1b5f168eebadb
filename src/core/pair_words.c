/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The words for a pair's states, phases and operations, there and back. See pair.h. */
#include <string.h>

#include "core/pair.h"

static const char *const state_words[] = {
#define S(id, word) [PAIR_##id] = word,
    PAIR_STATES(S)
#undef S
};
static const char *const phase_words[] = {
#define P(id, word) [PHASE_##id] = word,
    PAIR_PHASES(P)
#undef P
};
static const char *const op_words[] = {
#define O(id, word) [OP_##id] = word,
    MEMBER_OPS(O)
#undef O
};

const char *pair_state_word(enum pair_state s)
{
    return state_words[s];
}

const char *pair_phase_word(enum pair_phase p)
{
    return phase_words[p];
}

const char *pair_op_word(enum member_op op)
{
    return op_words[op];
}

bool pair_state_parse(const char *word, enum pair_state *out)
{
    for (unsigned i = 0; i < PAIR_STATE_COUNT; i++) {
        if (strcmp(state_words[i], word) == 0) {
            *out = (enum pair_state)i;
            return true;
        }
    }
    return false;
}

bool pair_phase_parse(const char *word, enum pair_phase *out)
{
    for (unsigned i = 0; i < PHASE_COUNT; i++) {
        if (strcmp(phase_words[i], word) == 0) {
            *out = (enum pair_phase)i;
            return true;
        }
    }
    return false;
}
