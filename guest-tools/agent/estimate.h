/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The size of a job's area when nobody says one: from what earlier runs needed, else from the size
 * of its program. Arithmetic and words only: the files are read by measure.c.
 * Called by xhs-agent.
 */
#ifndef AGENT_ESTIMATE_H
#define AGENT_ESTIMATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ESTIMATE_MARGIN_KB UINT64_C(32768) /* what a program gets beyond its file's size */
#define ESTIMATE_LEAST_KB UINT64_C(16384)
#define ESTIMATE_TEXT_MAX 96

struct estimate {
    uint64_t peak_kb;    /* of earlier runs; 0: none is known */
    uint64_t program_kb; /* size of the executable; 0: not found */
    uint64_t kb;         /* what follows: whole MiB, ESTIMATE_LEAST_KB to MSG_KB_MAX */
};

/* The peak and a quarter of it, or when there is none the program and ESTIMATE_MARGIN_KB. */
struct estimate estimate_make(uint64_t peak_kb, uint64_t program_kb);

/* The arithmetic, as people read it: "peak of earlier runs 41 MiB + 25 %". */
void estimate_text(const struct estimate *est, char buf[ESTIMATE_TEXT_MAX]);

/*
 * The peak to keep for later runs: kept_kb was kept until now (0: none), a run with an area of
 * area_kb has ended with peak_kb. oom: the kernel had to kill in it for want of memory.
 * A run that got by with its area counts as at most what makes the same area again: the kernel
 * fills an area with files that it could drop, and else each run would get a quarter more.
 */
uint64_t estimate_keep(uint64_t kept_kb, uint64_t peak_kb, uint64_t area_kb, bool oom);

/* The word of a shell command that names its program: the first, without assignments and "exec".
 * False: there is none that fits into word. */
bool estimate_program(const char *command, char *word, size_t size);

#endif
