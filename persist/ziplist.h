/* The compact forms that Redis kept small collections in before listpacks: ziplists (until 7.0) and, for hashes,
 * zipmaps (until 2.6). They are only read, into a listpack with the same elements.
 *
 * Each gives NULL if the bytes, all of them, are not one. */
#ifndef SKUA_PERSIST_ZIPLIST_H
#define SKUA_PERSIST_ZIPLIST_H

#include "shard/ds/listpack.h"

struct listpack *ziplist_load(struct mem_account *account, struct slice bytes);
/* Of key, value, key, value, ... */
struct listpack *zipmap_load(struct mem_account *account, struct slice bytes);

#endif
