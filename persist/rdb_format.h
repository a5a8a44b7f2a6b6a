/* The bytes of an RDB file. Source: Redis 7.4 rdb.h and rdb.c.
 *
 * "REDIS", four digits of the version, then items, each begun by a byte that is a type (key and value follow) or one
 * of the marks below; at the end RDB_END and, from version 5 on, the CRC-64 of all bytes before it (little endian), or
 * 0 if it was not computed.
 *
 * A length is one byte 00xxxxxx; two bytes 01xxxxxx, big endian; 0x80 and 32 bits, or 0x81 and 64 bits, big endian. In
 * the place of a string's length 11xxxxxx says how it is encoded. Versions: 9 Redis 5 and 6, 10 Redis 7.0, 11 Redis
 * 7.2, 12 Redis 7.4. */
#ifndef SKUA_PERSIST_RDB_FORMAT_H
#define SKUA_PERSIST_RDB_FORMAT_H

enum {
    RDB_VERSION_MAX = 12,
    RDB_VERSION_CHECKSUM = 5, /* the first with one */
    RDB_HEADER_BYTES = 9,
    RDB_CHECKSUM_BYTES = 8,
};

enum rdb_mark {
    RDB_SLOT_INFO = 244, /* lengths: slot, keys in it, those of them with an expiry. Hints, in cluster mode only */
    RDB_FUNCTION = 245,  /* string: the code of a function library */
    RDB_FUNCTION_PRE_GA = 246, /* as the release candidates of 7.0 wrote it */
    RDB_MODULE_AUX = 247,      /* length: module; then what only the module can read */
    RDB_IDLE = 248,            /* length: seconds since the next key was used */
    RDB_FREQUENCY = 249,       /* byte: the LFU counter of the next key */
    RDB_AUX = 250,             /* strings: name, value */
    RDB_RESIZE_DB = 251,       /* lengths: keys, those of them with an expiry. Hints */
    RDB_EXPIRE_MS = 252,       /* of the next key: 64 bits, little endian, Unix time */
    RDB_EXPIRE_S = 253,        /* of the next key: 32 bits, little endian; up to version 2 */
    RDB_SELECT_DB = 254,       /* length: database of the following keys */
    RDB_END = 255,
};

/* What the shape of each is: rdb_pass.c. */
enum rdb_type {
    RDB_TYPE_STRING = 0,
    RDB_TYPE_LIST = 1,
    RDB_TYPE_SET = 2,
    RDB_TYPE_ZSET = 3, /* scores as text */
    RDB_TYPE_HASH = 4,
    RDB_TYPE_ZSET_2 = 5, /* scores as doubles */
    RDB_TYPE_MODULE_PRE_GA = 6,
    RDB_TYPE_MODULE = 7,
    RDB_TYPE_HASH_ZIPMAP = 9,
    RDB_TYPE_LIST_ZIPLIST = 10,
    RDB_TYPE_SET_INTSET = 11,
    RDB_TYPE_ZSET_ZIPLIST = 12,
    RDB_TYPE_HASH_ZIPLIST = 13,
    RDB_TYPE_LIST_QUICKLIST = 14, /* of ziplists */
    RDB_TYPE_STREAM = 15,
    RDB_TYPE_HASH_LISTPACK = 16,
    RDB_TYPE_ZSET_LISTPACK = 17,
    RDB_TYPE_LIST_QUICKLIST_2 = 18, /* of listpacks and of single elements */
    RDB_TYPE_STREAM_2 = 19,
    RDB_TYPE_SET_LISTPACK = 20,         /* from version 11 on */
    RDB_TYPE_STREAM_3 = 21,             /* from version 11 on */
    RDB_TYPE_HASH_TIMED_PRE_GA = 22,    /* fields with deadlines, as release candidates of 7.4 wrote them */
    RDB_TYPE_HASH_TRIPLETS_PRE_GA = 23, /* the same as a listpack */
    RDB_TYPE_HASH_TIMED = 24,           /* from version 12 on */
    RDB_TYPE_HASH_TRIPLETS = 25,        /* from version 12 on */
    RDB_TYPES = 26,                     /* those of version 12 are below this */
};

/* The first version that has all but the last six; Redis 7.0 reads it. */
enum { RDB_VERSION_7_0 = 10, RDB_VERSION_7_2 = 11, RDB_VERSION_7_4 = 12 };

/* A double as text begins with its length, or is one of these. */
enum rdb_double { RDB_DOUBLE_NAN = 253, RDB_DOUBLE_INFINITE = 254, RDB_DOUBLE_MINUS_INFINITE = 255 };

/* What a node of a quicklist of version 2 is. */
enum rdb_quicklist_node { RDB_NODE_PLAIN = 1, RDB_NODE_PACKED = 2 };

enum rdb_length { RDB_LENGTH_6 = 0, RDB_LENGTH_14 = 1, RDB_LENGTH_LONG = 2, RDB_ENCODED = 3 }; /* the first two bits */
enum { RDB_LENGTH_32_BYTE = 0x80, RDB_LENGTH_64_BYTE = 0x81 };

/* Integers are signed and little endian. LZF: length as compressed, length, compressed bytes. */
enum rdb_encoding { RDB_ENCODED_INT8 = 0, RDB_ENCODED_INT16 = 1, RDB_ENCODED_INT32 = 2, RDB_ENCODED_LZF = 3 };

#endif
