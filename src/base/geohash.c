#include "src/base/geohash.h"

#include <math.h>

#define LONGITUDE_MAX       180.0
#define LATITUDE_MAX        85.05112878 /* EPSG:900913 */
#define POLE_LATITUDE       90.0
#define EARTH_RADIUS_METRES 6372797.560856
#define MERCATOR_METRES_MAX 20037726.37 /* half of the way round */
#define RADIANS_A_DEGREE    (M_PI / 180.0)

enum { STEPS_MAX = 26 };

static double to_radians(double degrees) { return degrees * RADIANS_A_DEGREE; }

static double to_degrees(double radians) { return radians / RADIANS_A_DEGREE; }

bool geohash_is_valid(struct geohash_position p)
{
    return p.longitude >= -LONGITUDE_MAX && p.longitude <= LONGITUDE_MAX && p.latitude >= -LATITUDE_MAX &&
           p.latitude <= LATITUDE_MAX;
}

/* ---- Bits ---- */

/* Bit i of x becomes bit 2i. Source: graphics.stanford.edu/~seander/bithacks.html#InterleaveBMN */
static uint64_t spread(uint32_t x)
{
    uint64_t v = x;
    v = (v | v << 16) & UINT64_C(0x0000ffff0000ffff);
    v = (v | v << 8) & UINT64_C(0x00ff00ff00ff00ff);
    v = (v | v << 4) & UINT64_C(0x0f0f0f0f0f0f0f0f);
    v = (v | v << 2) & UINT64_C(0x3333333333333333);
    return (v | v << 1) & UINT64_C(0x5555555555555555);
}

/* The even bits of v: spread backwards. */
static uint32_t gather(uint64_t v)
{
    v &= UINT64_C(0x5555555555555555);
    v = (v | v >> 1) & UINT64_C(0x3333333333333333);
    v = (v | v >> 2) & UINT64_C(0x0f0f0f0f0f0f0f0f);
    v = (v | v >> 4) & UINT64_C(0x00ff00ff00ff00ff);
    v = (v | v >> 8) & UINT64_C(0x0000ffff0000ffff);
    return (uint32_t)(v | v >> 16);
}

/* A position's cell in a grid of 2^steps rows and columns. At the upper limits this is one more than there are. */
static uint64_t cell_of(struct geohash_position p, double latitude_max, unsigned steps)
{
    double y = (p.latitude + latitude_max) / (latitude_max + latitude_max);
    double x = (p.longitude + LONGITUDE_MAX) / (LONGITUDE_MAX + LONGITUDE_MAX);
    double rows = (double)(UINT64_C(1) << steps);
    return spread((uint32_t)(y * rows)) | spread((uint32_t)(x * rows)) << 1;
}

/* The edges of a cell. */
struct edges {
    double west, south, east, north;
};

/* Where line i of the grid lies. */
static double line(uint32_t i, double max, unsigned steps)
{
    return -max + i / (double)(UINT64_C(1) << steps) * (max + max);
}

static struct edges edges_of(uint64_t cell, unsigned steps)
{
    uint32_t y = gather(cell), x = gather(cell >> 1);
    return (struct edges){line(x, LONGITUDE_MAX, steps), line(y, LATITUDE_MAX, steps),
                          line(x + 1, LONGITUDE_MAX, steps), line(y + 1, LATITUDE_MAX, steps)};
}

/* ---- Positions ---- */

uint64_t geohash_encode(struct geohash_position p) { return cell_of(p, LATITUDE_MAX, STEPS_MAX); }

/* (uint64_t)score, also where C leaves it undefined: there as x86 does it. */
static uint64_t bits_of_score(double score)
{
    if (score >= 0)
        return score < 0x1p64 ? (uint64_t)score : 0;
    return score >= -0x1p63 ? (uint64_t)(int64_t)score : UINT64_C(1) << 63;
}

static double within(double v, double max) { return v > max ? max : v < -max ? -max : v; }

struct geohash_position geohash_decode(double score)
{
    struct edges e = edges_of(bits_of_score(score), STEPS_MAX);
    return (struct geohash_position){within((e.west + e.east) / 2, LONGITUDE_MAX),
                                     within((e.south + e.north) / 2, LATITUDE_MAX)};
}

void geohash_text(char text[static GEOHASH_TEXT_CHARS], struct geohash_position p)
{
    static const char digits[] = "0123456789bcdefghjkmnpqrstuvwxyz";
    uint64_t bits = cell_of(p, POLE_LATITUDE, STEPS_MAX);
    for (unsigned i = 0; i < GEOHASH_TEXT_CHARS - 1; i++)
        text[i] = digits[bits >> (52 - 5 * (i + 1)) & 31];
    text[GEOHASH_TEXT_CHARS - 1] = digits[0]; /* two bits short: Redis writes a zero */
}

/* ---- Distances ---- */

/* Of two positions on one meridian. */
static double latitude_distance(double a, double b)
{
    return EARTH_RADIUS_METRES * fabs(to_radians(b) - to_radians(a));
}

double geohash_distance(struct geohash_position a, struct geohash_position b)
{
    double v = sin((to_radians(b.longitude) - to_radians(a.longitude)) / 2);
    if (v == 0)
        return latitude_distance(a.latitude, b.latitude);
    double from = to_radians(a.latitude), to = to_radians(b.latitude);
    double u = sin((to - from) / 2);
    double part = u * u + cos(from) * cos(to) * v * v;
    return 2.0 * EARTH_RADIUS_METRES * asin(sqrt(part < 1 ? part : 1)); /* of antipodes it may be rounded to more */
}

static bool is_within_box(const struct geohash_shape *shape, struct geohash_position p)
{
    struct geohash_position same_latitude = {shape->center.longitude, p.latitude};
    return !(latitude_distance(p.latitude, shape->center.latitude) > shape->height * shape->metres / 2) &&
           !(geohash_distance(p, same_latitude) > shape->width * shape->metres / 2);
}

bool geohash_is_within(const struct geohash_shape *shape, struct geohash_position p, double *distance)
{
    if (shape->box && !is_within_box(shape, p))
        return false;
    *distance = geohash_distance(shape->center, p);
    return shape->box || !(*distance > shape->radius * shape->metres);
}

/* ---- Covering a shape: the cell of its center and those around that may have a part of it ---- */

/* How fine a grid has cells that are not smaller than the range. */
static unsigned estimate_steps(double range_metres, double latitude)
{
    if (range_metres == 0)
        return STEPS_MAX;
    int steps = -1; /* wide enough for most shapes */
    for (; range_metres < MERCATOR_METRES_MAX; range_metres *= 2)
        steps++;
    /* Meridians are closer together towards the poles. */
    steps -= (fabs(latitude) > 66) + (fabs(latitude) > 80);
    return steps < 1 ? 1 : steps > STEPS_MAX ? STEPS_MAX : (unsigned)steps;
}

/* A box of longitudes and latitudes that the shape lies in. */
static struct edges bounds_of(const struct geohash_shape *shape)
{
    double longitude = shape->center.longitude, latitude = shape->center.latitude;
    double height = shape->metres * (shape->box ? shape->height / 2 : shape->radius);
    double width = shape->metres * (shape->box ? shape->width / 2 : shape->radius);
    double up = to_degrees(height / EARTH_RADIUS_METRES);
    double widest = latitude < 0 ? latitude - up : latitude + up; /* where meridians are closest */
    double across = to_degrees(width / EARTH_RADIUS_METRES / cos(to_radians(widest)));
    return (struct edges){longitude - across, latitude - up, longitude + across, latitude + up};
}

/* A cell of a grid and those around it, in the order in which they are searched. */
enum neighbour { CENTER, NORTH, SOUTH, EAST, WEST, NORTH_EAST, NORTH_WEST, SOUTH_EAST, SOUTH_WEST, NEIGHBOURS };

struct neighbourhood {
    unsigned steps;
    uint64_t cells[NEIGHBOURS];
    bool left_out[NEIGHBOURS];
};

/* One of two interleaved numbers of so many bits, those in mask, plus 1, -1 or 0; it goes round at its ends. */
static uint64_t moved(uint64_t number, uint64_t mask, unsigned steps, int by)
{
    uint64_t bits = mask >> (64 - 2 * steps), gaps = ~mask >> (64 - 2 * steps); /* full gaps pass carries on */
    if (by > 0)
        return (number + (gaps + 1)) & bits;
    return by < 0 ? ((number | gaps) - (gaps + 1)) & bits : number;
}

static void look_around(struct neighbourhood *n, struct geohash_position p, unsigned steps)
{
    static const int8_t columns[NEIGHBOURS] = {
        [EAST] = 1, [NORTH_EAST] = 1, [SOUTH_EAST] = 1, [WEST] = -1, [NORTH_WEST] = -1, [SOUTH_WEST] = -1};
    static const int8_t rows[NEIGHBOURS] = {
        [NORTH] = 1, [NORTH_EAST] = 1, [NORTH_WEST] = 1, [SOUTH] = -1, [SOUTH_EAST] = -1, [SOUTH_WEST] = -1};
    const uint64_t x_mask = UINT64_C(0xaaaaaaaaaaaaaaaa), y_mask = ~x_mask;
    uint64_t cell = cell_of(p, LATITUDE_MAX, steps);
    *n = (struct neighbourhood){.steps = steps};
    for (unsigned i = 0; i < NEIGHBOURS; i++)
        n->cells[i] = moved(cell & x_mask, x_mask, steps, columns[i]) | moved(cell & y_mask, y_mask, steps, rows[i]);
}

/* Whether a shape with these bounds goes beyond the cells next to the middle one. */
static bool is_too_fine(const struct neighbourhood *n, struct edges bounds)
{
    return edges_of(n->cells[NORTH], n->steps).north < bounds.north ||
           edges_of(n->cells[SOUTH], n->steps).south > bounds.south ||
           edges_of(n->cells[EAST], n->steps).east < bounds.east ||
           edges_of(n->cells[WEST], n->steps).west > bounds.west;
}

/* Leaves the sides out that the middle cell keeps the shape away from. */
static void leave_out(struct neighbourhood *n, struct edges bounds)
{
    struct edges e = edges_of(n->cells[CENTER], n->steps);
    bool south = bounds.south > e.south, north = e.north > bounds.north;
    bool west = bounds.west > e.west, east = e.east > bounds.east;
    n->left_out[SOUTH] = south;
    n->left_out[NORTH] = north;
    n->left_out[WEST] = west;
    n->left_out[EAST] = east;
    n->left_out[SOUTH_WEST] = south || west;
    n->left_out[SOUTH_EAST] = south || east;
    n->left_out[NORTH_WEST] = north || west;
    n->left_out[NORTH_EAST] = north || east;
}

uint32_t geohash_cover(const struct geohash_shape *shape, struct geohash_cell cells[static GEOHASH_CELLS_MAX])
{
    double w = shape->width / 2, h = shape->height / 2;
    double range_metres = (shape->box ? sqrt(w * w + h * h) : shape->radius) * shape->metres;
    struct edges bounds = bounds_of(shape);
    struct neighbourhood n;
    look_around(&n, shape->center, estimate_steps(range_metres, shape->center.latitude));
    if (n.steps > 1 && is_too_fine(&n, bounds))
        look_around(&n, shape->center, n.steps - 1);
    if (n.steps >= 2)
        leave_out(&n, bounds);

    unsigned shift = 52 - 2 * n.steps, last = 0;
    uint32_t count = 0;
    for (unsigned i = 0; i < NEIGHBOURS; i++) {
        /* In coarse grids neighbours on both sides may be one cell. */
        if (n.left_out[i] || (last > 0 && n.cells[i] == n.cells[last]))
            continue;
        cells[count++] = (struct geohash_cell){n.cells[i] << shift, (n.cells[i] + 1) << shift};
        last = i;
    }
    return count;
}
