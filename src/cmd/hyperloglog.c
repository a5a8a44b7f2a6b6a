/* HyperLogLog commands. */
#include "src/cmd/families.h"
#include "src/cmd/row.h"

/* clang-format off */
struct command hyperloglog_commands[] = {
    {ROW("pfadd", NULL, -2, CMD_WRITE | CMD_DENYOOM | CMD_FAST, ACL_HYPERLOGLOG),
     .keys = {KEY_AT(1, KEY_RW | KEY_INSERT)},
     DOC("2.8.9", "hyperloglog", "O(1) to add every element.", "Adds elements to a HyperLogLog.")},
    {ROW("pfcount", NULL, -2, CMD_READONLY | CMD_MAY_REPLICATE, ACL_HYPERLOGLOG),
     .keys = {KEY_RANGE(1, -1, 1, KEY_RW | KEY_ACCESS,
               .notes = "RW because it may change the internal representation of the key, and propagate to replicas")},
     DOC("2.8.9", "hyperloglog",
         "O(1) with a very small average constant time when called with a single key. O(N) with N being the number of"
         " keys, and much bigger constant times, when called with multiple keys.",
         "Estimates how many elements HyperLogLogs have seen.")},
    {ROW("pfdebug", NULL, 3, CMD_WRITE | CMD_DENYOOM | CMD_ADMIN, ACL_HYPERLOGLOG),
     .keys = {KEY_AT(2, KEY_RW | KEY_ACCESS)},
     DOC("2.8.9", "hyperloglog", "N/A", "Helps those who test HyperLogLog."),
     .system = true},
    {ROW("pfmerge", NULL, -2, CMD_WRITE | CMD_DENYOOM | CMD_SIGNAL, ACL_HYPERLOGLOG),
     .keys = {KEY_AT(1, KEY_RW | KEY_ACCESS | KEY_INSERT), KEY_RANGE(2, -1, 1, KEY_RO | KEY_ACCESS)},
     DOC("2.8.9", "hyperloglog", "O(N) to merge N HyperLogLogs, but with high constant times.",
         "Merges HyperLogLogs into one.")},
    {ROW("pfselftest", NULL, 1, CMD_ADMIN, ACL_HYPERLOGLOG),
     DOC("2.8.9", "hyperloglog", "N/A", "Tests the HyperLogLog implementation."),
     .system = true},
    {.name = NULL},
};
/* clang-format on */
