/* The checksum of RDB files and DUMP payloads: CRC-64 with the polynomial of David T. Jones, 0xad93d23594c935a9,
 * reflected, starting with 0 and not inverted at the end. Source: Redis 7.4 crc64.c, whose check value for "123456789"
 * is e9c6d914c4b8d9ca. */
#ifndef SKUA_PERSIST_CRC64_H
#define SKUA_PERSIST_CRC64_H

#include <stddef.h>
#include <stdint.h>

/* The checksum of all bytes before, whose checksum is crc (0: there are none), and these. May be called on any thread.
 */
uint64_t crc64(uint64_t crc, const void *bytes, size_t len);

#endif
