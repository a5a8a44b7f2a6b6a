#include "src/base/cpus.h"

#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATH_BYTES = 4096, CPUS_MAX = 8192 };

/* ---- Affinity ---- */

unsigned cpus_in_mask(void)
{
    cpu_set_t *set = CPU_ALLOC(CPUS_MAX);
    size_t bytes = CPU_ALLOC_SIZE(CPUS_MAX);
    int count = 0;
    if (set && sched_getaffinity(0, bytes, set) == 0)
        count = CPU_COUNT_S(bytes, set);
    CPU_FREE(set);
    return count > 0 ? (unsigned)count : 1;
}

/* ---- Control groups ---- */

/* A hierarchy that may limit CPU time, as this process sees it. */
struct hierarchy {
    bool v2;
    char mount[PATH_BYTES]; /* where it is mounted, below the root of the tree */
    char group[PATH_BYTES]; /* this process's group in it, relative to what is mounted; "" or begins with '/' */
};

/* Quota over period in CPUs, rounded up. 0: no limit. */
static unsigned quota_to_cpus(long long quota_us, long long period_us)
{
    if (quota_us <= 0 || period_us <= 0)
        return 0;
    long long cpus = quota_us / period_us + (quota_us % period_us != 0);
    return cpus > CPUS_MAX ? CPUS_MAX : (unsigned)cpus;
}

static bool read_line(const char *directory, const char *name, char *line, int bytes)
{
    char path[PATH_BYTES * 3 + 32];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *f = fopen(path, "r");
    bool good = f && fgets(line, bytes, f);
    if (f)
        fclose(f);
    return good;
}

/* The limit of one group alone. */
static unsigned group_cpus(const char *directory, bool v2)
{
    char line[64], quota[64];
    long long period_us;
    if (v2) {
        /* "max 100000" or "150000 100000" */
        if (!read_line(directory, "cpu.max", line, sizeof line) || sscanf(line, "%63s %lld", quota, &period_us) != 2)
            return 0;
        return quota_to_cpus(atoll(quota), period_us);
    }
    if (!read_line(directory, "cpu.cfs_quota_us", quota, sizeof quota) ||
        !read_line(directory, "cpu.cfs_period_us", line, sizeof line))
        return 0;
    return quota_to_cpus(atoll(quota), atoll(line));
}

/* The least of the limits of the group and of all above it. */
static unsigned hierarchy_cpus(const char *root, struct hierarchy *h)
{
    char directory[PATH_BYTES * 3];
    unsigned least = 0;
    for (;;) {
        snprintf(directory, sizeof directory, "%s%s%s", root, h->mount, h->group);
        unsigned cpus = group_cpus(directory, h->v2);
        if (cpus > 0 && (least == 0 || cpus < least))
            least = cpus;
        char *slash = strrchr(h->group, '/');
        if (!slash)
            return least;
        *slash = '\0';
    }
}

/* Whether word is one of those that commas separate. */
static bool list_has(const char *list, const char *word)
{
    size_t len = strlen(word);
    for (const char *p = list; p; p = strchr(p, ',') ? strchr(p, ',') + 1 : NULL)
        if (strncmp(p, word, len) == 0 && (p[len] == ',' || p[len] == '\0'))
            return true;
    return false;
}

/* This process's group out of /proc/self/cgroup: lines of id:controllers:path, version 2 has id 0 and no controllers.
 */
static bool find_group(const char *root, bool v2, char *group)
{
    char path[PATH_BYTES], line[PATH_BYTES + 256];
    bool found = false;
    snprintf(path, sizeof path, "%s/proc/self/cgroup", root);
    FILE *f = fopen(path, "r");
    while (f && !found && fgets(line, sizeof line, f)) {
        line[strcspn(line, "\n")] = '\0';
        char *controllers = strchr(line, ':'), *name = controllers ? strchr(controllers + 1, ':') : NULL;
        if (!name)
            continue;
        *name++ = '\0';
        found = v2 ? strcmp(line, "0:") == 0 || strcmp(controllers, ":") == 0 : list_has(controllers + 1, "cpu");
        if (found)
            snprintf(group, PATH_BYTES, "%s", name);
    }
    if (f)
        fclose(f);
    return found;
}

/* A mount may show only a part of the hierarchy, from mounted_from down (as in a container without a namespace of its
 * own); the group is then relative to that. A group outside of what is mounted can't be looked at: the mount's top is
 * the best that is known. */
static void make_relative(char *group, const char *mounted_from)
{
    size_t len = strcmp(mounted_from, "/") == 0 ? 0 : strlen(mounted_from);
    if (strncmp(group, mounted_from, len) == 0 && (group[len] == '/' || group[len] == '\0'))
        memmove(group, group + len, strlen(group + len) + 1);
    else
        group[0] = '\0';
    if (strcmp(group, "/") == 0)
        group[0] = '\0';
}

/* Reads one line of mountinfo: id parent device mounted_from mount options ... - type source super_options. */
static bool read_mount(const char *line, const char *root, struct hierarchy *h)
{
    char from[PATH_BYTES], type[32], super[256];
    const char *dash = strstr(line, " - ");
    if (!dash || sscanf(line, "%*s %*s %*s %4095s %4095s", from, h->mount) != 2 ||
        sscanf(dash, " - %31s %*s %255s", type, super) != 2)
        return false;
    h->v2 = strcmp(type, "cgroup2") == 0;
    if (!h->v2 && (strcmp(type, "cgroup") != 0 || !list_has(super, "cpu")))
        return false;
    if (!find_group(root, h->v2, h->group))
        return false;
    make_relative(h->group, from);
    return true;
}

unsigned cpus_in_quota(const char *root)
{
    char path[PATH_BYTES], line[PATH_BYTES * 3];
    unsigned least = 0;
    if (!root)
        root = "";
    snprintf(path, sizeof path, "%s/proc/self/mountinfo", root);
    FILE *f = fopen(path, "r");
    while (f && fgets(line, sizeof line, f)) {
        struct hierarchy h;
        if (!read_mount(line, root, &h))
            continue;
        unsigned cpus = hierarchy_cpus(root, &h);
        if (cpus > 0 && (least == 0 || cpus < least))
            least = cpus;
    }
    if (f)
        fclose(f);
    return least;
}

unsigned cpus_usable(const char *root)
{
    unsigned mask = cpus_in_mask(), quota = cpus_in_quota(root);
    return quota > 0 && quota < mask ? quota : mask;
}
