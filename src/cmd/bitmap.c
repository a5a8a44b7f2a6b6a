/* Commands on strings as arrays of bits. */
#include "src/cmd/families.h"
#include "src/cmd/keys.h"
#include "src/cmd/row.h"

/* clang-format off */
struct command bitmap_commands[] = {
    {ROW("bitcount", NULL, -2, CMD_READONLY, ACL_BITMAP),
     .keys = {KEY_AT(1, KEY_RO | KEY_ACCESS)},
     DOC("2.6.0", "bitmap", "O(N)", "Counts the set bits of a string."),
     HISTORY({"7.0.0", "Added the `BYTE|BIT` option."})},
    {ROW("bitfield", NULL, -2, CMD_WRITE | CMD_DENYOOM, ACL_BITMAP),
     .keys = {KEY_AT(1, KEY_RW | KEY_UPDATE | KEY_ACCESS | KEY_VARIABLE_FLAGS,
               .notes = "This command allows both access and modification of the key")},
     .find_keys = keys_of_bitfield,
     DOC("3.2.0", "bitmap", "O(1) for each subcommand specified",
         "Reads and changes integers of any width inside a string.")},
    {ROW("bitfield_ro", NULL, -2, CMD_READONLY | CMD_FAST, ACL_BITMAP),
     .keys = {KEY_AT(1, KEY_RO | KEY_ACCESS)},
     DOC("6.0.0", "bitmap", "O(1) for each subcommand specified", "Reads integers of any width inside a string.")},
    {ROW("bitop", NULL, -4, CMD_WRITE | CMD_DENYOOM | CMD_SIGNAL, ACL_BITMAP),
     .keys = {KEY_AT(2, KEY_OW | KEY_UPDATE), KEY_RANGE(3, -1, 1, KEY_RO | KEY_ACCESS)},
     DOC("2.6.0", "bitmap", "O(N)", "Combines strings bit by bit and stores the result.")},
    {ROW("bitpos", NULL, -3, CMD_READONLY, ACL_BITMAP),
     .keys = {KEY_AT(1, KEY_RO | KEY_ACCESS)},
     DOC("2.8.7", "bitmap", "O(N)", "Finds the first set or clear bit of a string."),
     HISTORY({"7.0.0", "Added the `BYTE|BIT` option."})},
    {ROW("getbit", NULL, 3, CMD_READONLY | CMD_FAST, ACL_BITMAP),
     .keys = {KEY_AT(1, KEY_RO | KEY_ACCESS)},
     DOC("2.2.0", "bitmap", "O(1)", "Returns a bit of a string.")},
    {ROW("setbit", NULL, 4, CMD_WRITE | CMD_DENYOOM, ACL_BITMAP),
     .keys = {KEY_AT(1, KEY_RW | KEY_ACCESS | KEY_UPDATE)},
     DOC("2.2.0", "bitmap", "O(1)", "Sets or clears a bit of a string.")},
    {.name = NULL},
};
/* clang-format on */
