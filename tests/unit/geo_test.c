/* Geohashes: against bits worked out one by one, known positions, and that what covers a shape covers it. Searches
 * against looking at every member, in both encodings. What handlers put into the journal. */
#include <math.h>

#include "tests/unit/command_runner.h"

#include "shard/type/geo.h"
#include "shard/type/zset.h"
#include "tests/unit/random_cases.h"

static struct random rng;

static double uniform(double low, double high)
{
    return low + (high - low) * ((double)random_below(&rng, UINT64_C(1) << 53) / 0x1p53);
}

/* ---- Hashes ---- */

/* By halving, longitude first. */
static uint64_t naive_hash(struct geohash_position p)
{
    double west = -180, east = 180, south = -85.05112878, north = 85.05112878;
    uint64_t bits = 0;
    for (int i = 0; i < 26; i++) {
        double x = (west + east) / 2, y = (south + north) / 2;
        bits = bits << 2 | (uint64_t)(p.longitude >= x) << 1 | (p.latitude >= y);
        *(p.longitude >= x ? &west : &east) = x;
        *(p.latitude >= y ? &south : &north) = y;
    }
    return bits;
}

static void hashes(void **state)
{
    long cases = random_cases(&rng, 100000);
    for (long i = 0; i < cases; i++) {
        struct geohash_position p = {uniform(-180, 180), uniform(-85, 85)};
        uint64_t hash = geohash_encode(p);
        struct geohash_position middle = geohash_decode((double)hash);
        /* A position next to a border may fall on either side. */
        if (naive_hash(p) != hash)
            assert_true(geohash_distance(p, middle) < 0.6);
        assert_true(fabs(middle.longitude - p.longitude) < 360 / 0x1p26);
        assert_true(fabs(middle.latitude - p.latitude) < 171 / 0x1p26);
        assert_int_equal(geohash_encode(middle), hash);
    }
}

static void known_positions(void **state)
{
    struct geohash_position palermo = {13.361389, 38.115556}, catania = {15.087269, 37.502669};
    char text[GEOHASH_TEXT_CHARS];
    assert_int_equal(geohash_encode(palermo), 3479099956230698);
    assert_int_equal(geohash_encode(catania), 3479447370796909);
    palermo = geohash_decode(3479099956230698);
    catania = geohash_decode(3479447370796909);
    assert_true(fabs(geohash_distance(palermo, catania) - 166274.1516) < 0.0001);
    geohash_text(text, palermo);
    assert_memory_equal(text, "sqc8b49rny0", sizeof text);
    geohash_text(text, catania);
    assert_memory_equal(text, "sqdtr74hyu0", sizeof text);
    static const double odd[] = {-1, -0.0, 0.5, -1e19, 1e19, 1e300, INFINITY, -INFINITY, 0x1p52, 0x1p63, -0x1p63};
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++)
        assert_true(geohash_is_valid(geohash_decode(odd[i])));
    assert_false(geohash_is_valid((struct geohash_position){180.0001, 0}));
    assert_false(geohash_is_valid((struct geohash_position){0, -85.06}));
    assert_true(geohash_is_valid((struct geohash_position){-180, 85.05112878}));
}

/* ---- Shapes ---- */

static struct geohash_shape some_shape(double width_max)
{
    static const double units[] = {1, 1000, 0.3048, 1609.34};
    struct geohash_shape s = {.center = {uniform(-150, 150), uniform(-75, 75)}, .box = random_below(&rng, 2)};
    s.metres = units[random_below(&rng, 4)];
    s.radius = uniform(0, width_max / 2) / s.metres;
    s.width = uniform(0, width_max) / s.metres;
    s.height = uniform(0, width_max) / s.metres;
    return s;
}

/* Some of them in the shape, if it is not much narrower than width. */
static struct geohash_position near(const struct geohash_shape *s, double width)
{
    double degrees = width / 111000;
    struct geohash_position p = {s->center.longitude + uniform(-degrees, degrees),
                                 s->center.latitude + uniform(-degrees, degrees) / 2};
    return geohash_decode((double)geohash_encode(p)); /* as it is in a sorted set */
}

static bool is_covered(const struct geohash_cell *cells, uint32_t n, uint64_t hash)
{
    uint32_t times = 0;
    for (uint32_t i = 0; i < n; i++)
        times += hash >= cells[i].first && hash < cells[i].end;
    assert_in_range(times, 0, 1);
    return times > 0;
}

/* Up to shapes of some 100 km, away from the ends of the earth. */
static void shapes_are_covered(void **state)
{
    static const double widths[] = {1, 100, 10000, 200000};
    long cases = random_cases(&rng, 20000), inside = 0;
    for (long i = 0; i < cases; i++) {
        double width = widths[random_below(&rng, 4)], distance;
        struct geohash_shape around = some_shape(width);
        struct geohash_cell cells[GEOHASH_CELLS_MAX];
        uint32_t n = geohash_cover(&around, cells);
        assert_in_range(n, 1, GEOHASH_CELLS_MAX);
        for (int k = 0; k < 20; k++) {
            struct geohash_position p = near(&around, width);
            if (!geohash_is_within(&around, p, &distance))
                continue;
            inside++;
            assert_true(is_covered(cells, n, geohash_encode(p)));
            assert_true(distance == geohash_distance(around.center, p));
        }
    }
    assert_true(inside > cases);
}

/* ---- Searches ---- */

enum { MEMBERS = 200 };

static struct keyspace *ks;
static struct geohash_position places[MEMBERS];

static struct slice name_of(uint32_t i)
{
    static char text[MEMBERS][8];
    return slice_of(text[i], (size_t)snprintf(text[i], sizeof text[i], i % 3 ? "m%u" : "%u", i));
}

static struct zset fill(const struct geohash_shape *around, double width, uint64_t elements_max)
{
    const struct flat_limits limits = {elements_max, 64};
    static struct key key;
    struct zset z;
    key = key_make(&(struct key_space_shape){.seed = 7, .nshards = 1}, slice_str("index"));
    assert_int_equal(zset_write(ks, 0, &key, &z), STATUS_OK);
    zset_prepare(&z, &limits, 1, 8);
    for (uint32_t i = 0; i < MEMBERS; i++) {
        places[i] = i % 10 == 9 ? places[i - 1] : near(around, width);
        double score = (double)geohash_encode(places[i]);
        zset_add(&z, &limits, name_of(i), 0, &score);
    }
    return z;
}

static uint32_t index_of(struct slice member)
{
    uint32_t i = 0;
    for (size_t at = member.ptr[0] == 'm'; at < member.len; at++)
        i = i * 10 + (uint32_t)(member.ptr[at] - '0');
    assert_true(i < MEMBERS && slice_eq(member, name_of(i)));
    return i;
}

/* Each of the points is one that is to be found; returns how many are to be found. */
static size_t check_points(const struct geohash_shape *around, const struct geo_points *points)
{
    bool found[MEMBERS] = {false};
    size_t wanted = 0;
    double distance;
    for (size_t i = 0; i < points->n; i++) {
        uint32_t k = index_of(geo_member(points, &points->all[i]));
        assert_false(found[k]);
        found[k] = true;
        assert_true(geohash_is_within(around, places[k], &distance));
        assert_true(distance == points->all[i].distance);
        assert_true(points->all[i].score == (double)geohash_encode(places[k]));
    }
    for (uint32_t k = 0; k < MEMBERS; k++)
        wanted += geohash_is_within(around, places[k], &distance);
    return wanted;
}

static void check_order(const struct geo_points *points, bool farthest_first)
{
    for (size_t i = 1; i < points->n; i++) {
        const struct geo_point *a = &points->all[i - 1], *b = &points->all[i];
        assert_true(farthest_first ? a->distance >= b->distance : a->distance <= b->distance);
        if (a->distance == b->distance) /* as they were found */
            assert_true(a->name_at < b->name_at);
    }
}

/* So many as if all were sorted. */
static void check_first(const struct geo_points *sorted, const struct geo_points *first, uint64_t n)
{
    assert_int_equal(first->n, n < sorted->n ? n : sorted->n);
    for (size_t i = 0; i < first->n; i++)
        assert_int_equal(first->all[i].name_at, sorted->all[i].name_at);
}

static void searches(void **state)
{
    long cases = random_cases(&rng, 2000);
    struct mem_account account = {0};
    ks = keyspace_create(&account, 1, 7);
    for (long i = 0; i < cases; i++) {
        double width = i % 2 ? 1000 : 100000;
        struct geohash_shape around = some_shape(width);
        struct zset z = fill(&around, width, i % 3 ? MEMBERS : 0);
        struct geo_points points = {0}, some = {0}, first = {0};
        bool farthest_first = random_below(&rng, 2);
        uint64_t limit = 1 + random_below(&rng, MEMBERS);
        geo_search(zset_value(&z), &around, UINT64_MAX, &points);
        assert_int_equal(points.n, check_points(&around, &points));
        geo_search(zset_value(&z), &around, limit, &some);
        assert_int_equal(some.n, limit < points.n ? limit : points.n);
        for (size_t k = 0; k < some.n; k++)
            assert_true(points.all[k].score == some.all[k].score);
        geo_points_sort(&points, farthest_first, UINT64_MAX);
        check_order(&points, farthest_first);
        geo_search(zset_value(&z), &around, UINT64_MAX, &first);
        geo_points_sort(&first, farthest_first, limit);
        check_first(&points, &first, limit);
        geo_points_deinit(&points);
        geo_points_deinit(&some);
        geo_points_deinit(&first);
        keyspace_flush(ks, 0, true);
    }
    keyspace_destroy(ks);
    assert_int_equal(mem_used(&account), 0);
}

/* ---- Handlers ---- */

static void assert_bytes(const char *buf, size_t len, const char *expected)
{
    assert_int_equal(len, strlen(expected));
    assert_memory_equal(buf, expected, len);
}

#define CHECK(reply_expected, effect_expected, ...)                                                                    \
    do {                                                                                                               \
        run_words(sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *), (const char *[]){__VA_ARGS__});              \
        assert_bytes(reply.buf, reply.len, reply_expected);                                                            \
        assert_bytes(effects.buf, effects.len, effect_expected);                                                       \
    } while (0)

static void effects_of_handlers(void **state)
{
    runner_init(3);
    CHECK(":1\r\n", "*5\r\n$4\r\nZADD\r\n$1\r\nk\r\n$2\r\nch\r\n$16\r\n3479099956230698\r\n$1\r\np\r\n", "GEOADD", "k",
          "ch", "13.361389", "38.115556", "p");
    CHECK(":0\r\n", "", "GEOADD", "k", "NX", "1", "1", "p");
    CHECK("-ERR syntax error\r\n", "", "GEOADD", "k", "NX", "XX", "1", "1", "p");
    CHECK("-ERR invalid longitude,latitude pair 181.000000,1.000000\r\n", "", "GEOADD", "k", "1", "1", "a", "181", "1",
          "b");
    CHECK("*1\r\n$1\r\np\r\n", "", "GEORADIUS", "k", "13", "38", "50", "km");
    CHECK(":1\r\n",
          "*8\r\n$9\r\nGEORADIUS\r\n$1\r\nk\r\n$2\r\n13\r\n$2\r\n38\r\n$2\r\n50\r\n$2\r\nkm\r\n"
          "$5\r\nSTORE\r\n$1\r\nd\r\n",
          "GEORADIUS", "k", "13", "38", "50", "km", "STORE", "d");
    CHECK("$16\r\n3479099956230698\r\n", "", "ZSCORE", "d", "p");
    /* The last one counts. */
    CHECK(":1\r\n",
          "*9\r\n$17\r\nGEORADIUSBYMEMBER\r\n$1\r\nk\r\n$1\r\np\r\n$1\r\n1\r\n$1\r\nm\r\n"
          "$5\r\nSTORE\r\n$1\r\nx\r\n$9\r\nSTOREDIST\r\n$1\r\ny\r\n",
          "GEORADIUSBYMEMBER", "k", "p", "1", "m", "STORE", "x", "STOREDIST", "y");
    CHECK(":1\r\n", "", "EXISTS", "x", "y");
    CHECK("$1\r\n0\r\n", "", "ZSCORE", "y", "p");
    CHECK(":0\r\n",
          "*9\r\n$14\r\nGEOSEARCHSTORE\r\n$1\r\nd\r\n$1\r\nk\r\n$10\r\nFROMLONLAT\r\n$1\r\n1\r\n$1\r\n1\r\n"
          "$8\r\nBYRADIUS\r\n$1\r\n1\r\n$1\r\nm\r\n",
          "GEOSEARCHSTORE", "d", "k", "FROMLONLAT", "1", "1", "BYRADIUS", "1", "m");
    CHECK(":0\r\n", "", "GEOSEARCHSTORE", "d", "k", "FROMLONLAT", "1", "1", "BYRADIUS", "1", "m");
    CHECK("$6\r\n0.0000\r\n", "", "GEODIST", "k", "p", "p", "MI");
    CHECK("$-1\r\n", "", "GEODIST", "k", "p", "nosuch");
    CHECK("*2\r\n$-1\r\n$11\r\nsqc8b49rny0\r\n", "", "GEOHASH", "k", "nosuch", "p");
    CHECK("*2\r\n*-1\r\n*2\r\n$20\r\n13.36138933897018433\r\n$20\r\n38.11555639549629859\r\n", "", "GEOPOS", "k",
          "nosuch", "p");
    runner_deinit();
}

int main(void)
{
    command_table_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hashes),   cmocka_unit_test(known_positions),     cmocka_unit_test(shapes_are_covered),
        cmocka_unit_test(searches), cmocka_unit_test(effects_of_handlers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
