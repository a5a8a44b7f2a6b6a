/* Geospatial commands on single members; geo_search.c has the searches. Semantics, order of checks and error texts:
 * Redis 7.4 geo.c. */
#include "src/cmd/geo.h"

#include <math.h>
#include <stdlib.h>

#include "src/cmd/args.h"
#include "src/cmd/families.h"
#include "src/cmd/row.h"
#include "src/cmd/zset_common.h"

/* ---- What searches need as well ---- */

bool geo_arg_position(struct cmd *c, uint32_t i, struct geohash_position *p)
{
    if (!arg_double(c, i, NULL, &p->longitude) || !arg_double(c, i + 1, NULL, &p->latitude))
        return false;
    if (geohash_is_valid(*p))
        return true;
    reply_errorf(c->reply, "ERR invalid longitude,latitude pair %f,%f", p->longitude, p->latitude);
    return false;
}

bool geo_arg_unit(struct cmd *c, uint32_t i, double *metres)
{
    static const struct {
        const char *name;
        double metres;
    } units[] = {{"m", 1}, {"km", 1000}, {"ft", 0.3048}, {"mi", 1609.34}};
    for (uint32_t u = 0; u < sizeof units / sizeof *units; u++) {
        if (slice_is(c->argv[i], units[u].name)) {
            *metres = units[u].metres;
            return true;
        }
    }
    reply_error(c->reply, "ERR unsupported unit provided. please use M, KM, FT, MI");
    return false;
}

bool geo_position_of(const struct zset *z, struct slice member, struct geohash_position *p)
{
    double score;
    if (!zset_exists(z) || !zset_score(zset_value(z), member, &score))
        return false;
    *p = geohash_decode(score);
    return true;
}

void geo_reply_position(struct reply *r, struct geohash_position p)
{
    reply_array(r, 2);
    reply_human_double(r, p.longitude);
    reply_human_double(r, p.latitude);
}

void geo_reply_distance(struct reply *r, double distance)
{
    enum { UNIT = 10000 };
    char text[NUM_INT_CHARS + 5];
    int64_t scaled = llrint(distance * UNIT);
    size_t n = num_i64(text, scaled / UNIT);
    text[n++] = '.';
    for (int digit = UNIT / 10; digit > 0; digit /= 10)
        text[n++] = (char)('0' + llabs(scaled % UNIT) / digit % 10);
    reply_bulk(r, text, n);
}

/* ---- Adding ---- */

/* The words of ZADD that do the same: those up to argument first, which has the first longitude, then score and member
 * of each. False: it answered an error. texts: where those of scores go, NUM_INT_CHARS each. */
static bool make_zadd(struct cmd *c, uint32_t first, struct slice *words, char *texts)
{
    struct geohash_position p;
    words[0] = slice_str("ZADD");
    for (uint32_t i = 1; i < first; i++)
        words[i] = c->argv[i];
    words += first;
    for (uint32_t i = first; i < c->argc; i += 3) {
        if (!geo_arg_position(c, i, &p))
            return false;
        *words++ = slice_of(texts, num_u64(texts, geohash_encode(p)));
        *words++ = c->argv[i + 2];
        texts += NUM_INT_CHARS;
    }
    return true;
}

/* Runs it, and has it in the journal: as Redis does. */
static void run_zadd(struct cmd *c, uint32_t argc, const struct slice *words)
{
    struct cmd zadd = *c;
    zadd.argc = argc;
    zadd.argv = words;
    zset_zadd(&zadd);
    if (!zadd.changed)
        return;
    cmd_changed(c);
    cmd_effect(c, argc, words);
}

/* GEOADD key [NX|XX] [CH] longitude latitude member [longitude latitude member ...] */
static void geo_geoadd(struct cmd *c)
{
    uint32_t first = 2;
    bool nx = false, xx = false;
    for (; first < c->argc; first++) {
        bool is_nx = slice_is(c->argv[first], "nx"), is_xx = slice_is(c->argv[first], "xx");
        if (!is_nx && !is_xx && !slice_is(c->argv[first], "ch"))
            break;
        nx |= is_nx;
        xx |= is_xx;
    }
    uint32_t members = (c->argc - first) / 3;
    if ((c->argc - first) % 3 || (nx && xx)) {
        reply_syntax_error(c);
        return;
    }
    struct slice *words = mem_alloc(NULL, (first + 2 * members) * sizeof *words);
    char *texts = mem_alloc(NULL, members * NUM_INT_CHARS + 1);
    if (make_zadd(c, first, words, texts))
        run_zadd(c, first + 2 * members, words);
    mem_free(NULL, words);
    mem_free(NULL, texts);
}

/* ---- Reading ---- */

/* GEODIST key member1 member2 [M|KM|FT|MI] */
static void geo_geodist(struct cmd *c)
{
    double metres = 1;
    struct zset z;
    struct geohash_position a, b;
    if (c->argc > 5) {
        reply_syntax_error(c);
        return;
    }
    if ((c->argc == 5 && !geo_arg_unit(c, 4, &metres)) || !zset_open_to_read(c, 0, &z))
        return;
    if (geo_position_of(&z, c->argv[2], &a) && geo_position_of(&z, c->argv[3], &b))
        geo_reply_distance(c->reply, geohash_distance(a, b) / metres);
    else
        reply_null(c->reply);
}

/* GEOHASH key [member [member ...]] */
static void geo_geohash(struct cmd *c)
{
    struct zset z;
    struct geohash_position p;
    char text[GEOHASH_TEXT_CHARS];
    if (!zset_open_to_read(c, 0, &z))
        return;
    reply_array(c->reply, c->argc - 2);
    for (uint32_t i = 2; i < c->argc; i++) {
        if (geo_position_of(&z, c->argv[i], &p)) {
            geohash_text(text, p);
            reply_bulk(c->reply, text, sizeof text);
        } else {
            reply_null(c->reply);
        }
    }
}

/* GEOPOS key [member [member ...]] */
static void geo_geopos(struct cmd *c)
{
    struct zset z;
    struct geohash_position p;
    if (!zset_open_to_read(c, 0, &z))
        return;
    reply_array(c->reply, c->argc - 2);
    for (uint32_t i = 2; i < c->argc; i++) {
        if (geo_position_of(&z, c->argv[i], &p))
            geo_reply_position(c->reply, p);
        else
            reply_null_array(c->reply);
    }
}

/* clang-format off */
struct command geo_commands[] = {
    {ROW("geoadd", geo_geoadd, -5, CMD_WRITE | CMD_DENYOOM | CMD_SIGNAL, ACL_GEO),
     .keys = {KEY_AT(1, KEY_RW | KEY_UPDATE)},
     DOC("3.2.0", "geo",
         "O(log(N)) for each item added, where N is the number of elements in the sorted set.",
         "Adds members to a geospatial index."),
     HISTORY({"6.2.0", "Added the `CH`, `NX` and `XX` options."})},
    {ROW("geodist", geo_geodist, -4, CMD_READONLY, ACL_GEO),
     .keys = {KEY_AT(1, KEY_RO | KEY_ACCESS)},
     DOC("3.2.0", "geo", "O(log(N))", "Returns the distance of two members of a geospatial index.")},
    {ROW("geohash", geo_geohash, -2, CMD_READONLY, ACL_GEO),
     .keys = {KEY_AT(1, KEY_RO | KEY_ACCESS)},
     DOC("3.2.0", "geo",
         "O(log(N)) for each member requested, where N is the number of elements in the sorted set.",
         "Returns members of a geospatial index as geohash strings.")},
    {ROW("geopos", geo_geopos, -2, CMD_READONLY, ACL_GEO),
     .keys = {KEY_AT(1, KEY_RO | KEY_ACCESS)},
     DOC("3.2.0", "geo", "O(N) where N is the number of members requested.",
         "Returns longitude and latitude of members of a geospatial index.")},
    {.name = NULL},
};
/* clang-format on */
