/* How many CPUs this process may use: the smaller of its affinity mask and the CPU quota of its control group or of any
 * group above it, version 1 or 2. Sources: Linux Documentation/admin-guide/cgroup-v2.rst (cpu.max) and
 * Documentation/scheduler/sched-bwc.rst (cpu.cfs_quota_us), proc(5) (/proc/pid/cgroup, mountinfo). */
#ifndef SKUA_BASE_CPUS_H
#define SKUA_BASE_CPUS_H

/* At least 1. A quota is rounded up: a quarter of a CPU is one, one and a half are two. root is NULL but for tests,
 * which make up a tree: the paths /proc/self/cgroup and /proc/self/mountinfo are looked for below it, and so are the
 * mount points that the latter names. */
unsigned cpus_usable(const char *root);

/* In the affinity mask; at least 1. */
unsigned cpus_in_mask(void);

/* What the control groups allow, rounded up, or 0 if they set no limit. */
unsigned cpus_in_quota(const char *root);

#endif
