/* What the files of geospatial commands share. Functions that return false for a bad argument have answered the error.
 */
#ifndef SKUA_CMD_GEO_H
#define SKUA_CMD_GEO_H

#include "shard/type/zset.h"
#include "src/base/geohash.h"
#include "src/cmd/command.h"

/* A longitude at argument i and a latitude behind it. */
bool geo_arg_position(struct cmd *c, uint32_t i, struct geohash_position *p);
/* A unit of length. */
bool geo_arg_unit(struct cmd *c, uint32_t i, double *metres);

/* Where a member is; false if it is not there. */
bool geo_position_of(const struct zset *z, struct slice member, struct geohash_position *p);

void geo_reply_position(struct reply *r, struct geohash_position p);
/* In whatever unit, with four decimals. */
void geo_reply_distance(struct reply *r, double distance);

#endif
