/* Geohashes: positions on the earth as numbers whose leading bits say in which cell of a grid they lie, so that what is
 * near is mostly near in order, too. And distances, and the cells that cover a shape.
 *
 * Two bits, one of the longitude before one of the latitude, halve a cell both ways; 26 such steps make the 52 bits
 * that a double holds exactly. Latitudes end where the Mercator projection does, before the poles.
 *
 * Results show to their last digit, so every formula has its operations in the order of Redis's. Source: Redis 7.2
 * geohash.c, geohash_helper.c. */
#ifndef SKUA_BASE_GEOHASH_H
#define SKUA_BASE_GEOHASH_H

#include <stdbool.h>
#include <stdint.h>

enum { GEOHASH_TEXT_CHARS = 11, GEOHASH_CELLS_MAX = 9 };

/* In degrees. */
struct geohash_position {
    double longitude, latitude;
};

/* Whether it is within the limits of longitudes and latitudes. */
bool geohash_is_valid(struct geohash_position p);

/* The hash of a valid position, and the middle of the smallest cell of a hash. A score that is no hash gives some valid
 * position. */
uint64_t geohash_encode(struct geohash_position p);
struct geohash_position geohash_decode(double score);

/* Writes what others than Redis call a geohash, in base 32; there latitudes go to the poles. */
void geohash_text(char text[static GEOHASH_TEXT_CHARS], struct geohash_position p);

/* In metres along a great circle (haversine formula); no nan. */
double geohash_distance(struct geohash_position a, struct geohash_position b);

/* A circle or a box around a valid position. */
struct geohash_shape {
    struct geohash_position center;
    double metres; /* of the unit that the others are in */
    bool box;
    double radius;        /* of a circle */
    double width, height; /* of a box; not negative, as the radius */
};

/* Whether the position is in the shape; if so *distance is how many metres it is from the center. */
bool geohash_is_within(const struct geohash_shape *shape, struct geohash_position p, double *distance);

/* Hashes from first on, without end. */
struct geohash_cell {
    uint64_t first, end;
};
/* Writes the cells that together cover the shape, in the order in which they are to be searched; returns how many. */
uint32_t geohash_cover(const struct geohash_shape *shape, struct geohash_cell cells[static GEOHASH_CELLS_MAX]);

#endif
