/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xenstored's contents: one tree for dom0's connections, libxl's part and the guests. Not a
 * connection: fake_store.c, fake_guest.c. Called by the other fakes.
 */
#include <stdlib.h>
#include <string.h>

#include "fake_internal.h"

#define BUCKETS 8192

struct node {
    char *path, *value;
    uint32_t owner;
    struct node *next;   /* ascending: what is below a node follows it */
    struct node *chained; /* in the bucket */
};
static struct node *nodes;
static struct node *buckets[BUCKETS]; /* a host of a hundred domains has thousands of keys */

char *tree_strdup(const char *s)
{
    char *c = strdup(s);

    if (!c)
        abort();
    return c;
}

/* Is path at or below dir? */
bool tree_below(const char *dir, const char *path)
{
    size_t n = strlen(dir);

    if (strcmp(dir, "/") == 0)
        return path[0] == '/';
    return strncmp(dir, path, n) == 0 && (path[n] == '\0' || path[n] == '/');
}

void tree_fire(const char *path)
{
    stores_fire(path, false);
    guest_tree_changed(path);
}

static struct node **bucket(const char *path)
{
    uint32_t h = 5381;

    for (const char *c = path; *c; c++)
        h = h * 33 + (unsigned char)*c;
    return &buckets[h % BUCKETS];
}

static struct node *find(const char *path)
{
    struct node *n = *bucket(path);

    while (n && strcmp(n->path, path) != 0)
        n = n->chained;
    return n;
}

static struct node *make(const char *path, uint32_t owner)
{
    struct node *n = find(path), *parent = NULL, **at = &nodes;
    char *slash, *above;

    if (n)
        return n;
    slash = strrchr(path, '/');
    if (slash && slash != path) {
        above = tree_strdup(path);
        above[slash - path] = '\0';
        parent = make(above, owner);
        free(above);
    }
    n = fake_alloc(sizeof *n);
    n->path = tree_strdup(path);
    n->value = tree_strdup("");
    n->owner = owner;
    n->chained = *bucket(path);
    *bucket(path) = n;
    if (parent)
        at = &parent->next;
    while (*at && strcmp((*at)->path, path) < 0)
        at = &(*at)->next;
    n->next = *at;
    *at = n;
    return n;
}

static void unchain(struct node *n)
{
    struct node **at = bucket(n->path);

    while (*at != n)
        at = &(*at)->chained;
    *at = n->chained;
}

void tree_write(const char *path, const char *value, uint32_t owner)
{
    struct node *n = make(path, owner);

    free(n->value);
    n->value = tree_strdup(value);
    tree_fire(path);
    host_wake(); /* it may have been a balloon's target */
}

void tree_remove(const char *path)
{
    struct node **at = &nodes, *top = find(path);

    if (!top)
        return;
    while (*at != top)
        at = &(*at)->next;
    while (*at && strncmp((*at)->path, path, strlen(path)) == 0) {
        struct node *n = *at;
        if (!tree_below(path, n->path)) {
            at = &n->next;
            continue;
        }
        *at = n->next;
        unchain(n);
        if (n != top)
            stores_fire(n->path, true);
        free(n->path);
        free(n->value);
        free(n);
    }
    tree_fire(path);
}

const char *tree_value(const char *path)
{
    struct node *n = find(path);

    return n ? n->value : NULL;
}

static const char *child_of(const char *path, const char *of)
{
    size_t n = strcmp(path, "/") == 0 ? 0 : strlen(path);

    if (strncmp(path, of, n) != 0 || of[n] != '/' || strchr(of + n + 1, '/'))
        return NULL;
    return of[n + 1] ? of + n + 1 : NULL;
}

/* One block, as libxenstore gives it. NULL: no such node. */
char **tree_children(const char *path, unsigned *count)
{
    size_t bytes = 0, len = strlen(path);
    struct node *top = strcmp(path, "/") == 0 ? nodes : find(path);
    char **names, *text;

    *count = 0;
    if (!top)
        return NULL;
    for (struct node *n = top; n && strncmp(n->path, path, len) == 0; n = n->next) {
        const char *name = child_of(path, n->path);
        if (name) {
            bytes += sizeof *names + strlen(name) + 1;
            (*count)++;
        }
    }
    names = fake_alloc(bytes + 1);
    text = (char *)(names + *count);
    *count = 0;
    for (struct node *n = top; n && strncmp(n->path, path, len) == 0; n = n->next) {
        const char *name = child_of(path, n->path);
        if (name) {
            names[(*count)++] = text;
            text = stpcpy(text, name) + 1;
        }
    }
    return names;
}

unsigned tree_owned(uint32_t owner)
{
    unsigned n = 0;

    for (struct node *node = nodes; node; node = node->next)
        n += node->owner == owner;
    return n;
}

void tree_free(void)
{
    while (nodes) {
        struct node *n = nodes;
        nodes = n->next;
        free(n->path);
        free(n->value);
        free(n);
    }
    memset(buckets, 0, sizeof buckets);
}
