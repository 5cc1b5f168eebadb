/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xenstored's contents: one tree for dom0's connections, libxl's part and the guests. Not a
 * connection: fake_store.c, fake_guest.c. Called by the other fakes.
 */
#include <stdlib.h>
#include <string.h>

#include "fake_internal.h"

struct node {
    char *path, *value;
    uint32_t owner;
    struct node *next; /* ascending */
};
static struct node *nodes;

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

static struct node *find(const char *path)
{
    struct node *n = nodes;

    while (n && strcmp(n->path, path) != 0)
        n = n->next;
    return n;
}

static struct node *make(const char *path, uint32_t owner)
{
    struct node *n = find(path), **at = &nodes;
    char *slash;

    if (n)
        return n;
    n = fake_alloc(sizeof *n);
    n->path = tree_strdup(path);
    n->value = tree_strdup("");
    n->owner = owner;
    while (*at && strcmp((*at)->path, path) < 0)
        at = &(*at)->next;
    n->next = *at;
    *at = n;

    slash = strrchr(path, '/');
    if (slash && slash != path) {
        char *parent = tree_strdup(path);
        parent[slash - path] = '\0';
        make(parent, owner);
        free(parent);
    }
    return n;
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
    bool any = false;

    for (struct node **at = &nodes; *at;) {
        struct node *n = *at;
        if (!tree_below(path, n->path)) {
            at = &n->next;
            continue;
        }
        *at = n->next;
        if (strcmp(n->path, path) != 0)
            stores_fire(n->path, true);
        any = true;
        free(n->path);
        free(n->value);
        free(n);
    }
    if (any)
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
    size_t bytes = 0;
    char **names, *text;

    *count = 0;
    if (strcmp(path, "/") != 0 && !find(path))
        return NULL;
    for (struct node *n = nodes; n; n = n->next) {
        const char *name = child_of(path, n->path);
        if (name) {
            bytes += sizeof *names + strlen(name) + 1;
            (*count)++;
        }
    }
    names = fake_alloc(bytes + 1);
    text = (char *)(names + *count);
    *count = 0;
    for (struct node *n = nodes; n; n = n->next) {
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
}
