/* Searches of geospatial indexes: GEOSEARCH, and GEORADIUS with its relatives from before it. Semantics, order of
 * checks and error texts: Redis 7.4 geo.c (georadiusGeneric). */
#include "shard/type/geo.h"

#include "shard/type/zset_large.h"
#include "src/cmd/args.h"
#include "src/cmd/families.h"
#include "src/cmd/geo.h"
#include "src/cmd/keys.h"
#include "src/cmd/row.h"
#include "src/cmd/zset_common.h"

/* What a command's name says. */
struct form {
    enum { AROUND_POSITION, AROUND_MEMBER, BY_OPTIONS } center;
    bool may_store; /* with STORE or STOREDIST */
    bool stores;    /* at key 0; the index is key 1 */
};

/* A command on its way. */
struct search {
    const struct form *form;
    struct zset index;
    struct geohash_shape shape;
    bool from_member, from_position, by_radius, by_box; /* what options said */
    bool with_distance, with_hash, with_position;
    enum { UNSORTED, NEAREST_FIRST, FARTHEST_FIRST } order;
    int64_t count; /* 0: all */
    bool any;
    bool stores, stores_distance;
    uint32_t target; /* the key that gets the result */
};

/* ---- Arguments. Each function that returns false has answered an error. ---- */

static bool arg_not_negative(struct cmd *c, double v, const char *error)
{
    if (v < 0)
        reply_error(c->reply, error);
    return !(v < 0);
}

/* radius unit, from argument i on */
static bool arg_radius(struct cmd *c, uint32_t i, struct geohash_shape *shape)
{
    shape->box = false;
    return arg_double(c, i, "ERR need numeric radius", &shape->radius) &&
           arg_not_negative(c, shape->radius, "ERR radius cannot be negative") &&
           geo_arg_unit(c, i + 1, &shape->metres);
}

/* width height unit, from argument i on */
static bool arg_box(struct cmd *c, uint32_t i, struct geohash_shape *shape)
{
    static const char negative[] = "ERR height or width cannot be negative";
    shape->box = true;
    return arg_double(c, i, "ERR need numeric width", &shape->width) &&
           arg_double(c, i + 1, "ERR need numeric height", &shape->height) &&
           arg_not_negative(c, shape->width, negative) && arg_not_negative(c, shape->height, negative) &&
           geo_arg_unit(c, i + 2, &shape->metres);
}

/* A member that is the center. Of an index that is missing there is none to be found. */
static bool arg_member(struct cmd *c, uint32_t i, struct search *s)
{
    if (!zset_exists(&s->index) || geo_position_of(&s->index, c->argv[i], &s->shape.center))
        return true;
    reply_error(c->reply, "ERR could not decode requested zset member");
    return false;
}

static bool arg_count(struct cmd *c, uint32_t i, struct search *s)
{
    if (!arg_i64(c, i, &s->count))
        return false;
    if (s->count <= 0)
        reply_error(c->reply, "ERR COUNT must be > 0");
    return s->count > 0;
}

/* What commands name by position; writes the first argument behind it to *next. */
static bool parse_center(struct cmd *c, struct search *s, uint32_t *next)
{
    switch (s->form->center) {
    case AROUND_POSITION:
        *next = 6;
        return geo_arg_position(c, 2, &s->shape.center) && arg_radius(c, 4, &s->shape);
    case AROUND_MEMBER:
        *next = 5;
        return !zset_exists(&s->index) || (arg_member(c, 2, s) && arg_radius(c, 3, &s->shape));
    default:
        *next = s->form->stores ? 3 : 2;
        return true;
    }
}

/* An option at argument i: how many arguments it has, itself included. */
enum { NOT_KNOWN = 0, REFUSED = -1 /* it answered an error */ };

/* The options that commands of all forms have. */
static int parse_common(struct cmd *c, uint32_t i, struct search *s)
{
    struct slice word = c->argv[i];
    if (slice_is(word, "withdist"))
        s->with_distance = true;
    else if (slice_is(word, "withhash"))
        s->with_hash = true;
    else if (slice_is(word, "withcoord"))
        s->with_position = true;
    else if (slice_is(word, "any"))
        s->any = true;
    else if (slice_is(word, "asc"))
        s->order = NEAREST_FIRST;
    else if (slice_is(word, "desc"))
        s->order = FARTHEST_FIRST;
    else if (slice_is(word, "count") && i + 1 < c->argc)
        return arg_count(c, i + 1, s) ? 2 : REFUSED;
    else
        return NOT_KNOWN;
    return 1;
}

/* STORE key, STOREDIST key: counted as keys_of_georadius does it, the last one is the target. */
static int parse_store(struct cmd *c, uint32_t i, struct search *s)
{
    bool distance = slice_is(c->argv[i], "storedist");
    if (!s->form->may_store || i + 1 == c->argc || !(distance || slice_is(c->argv[i], "store")))
        return NOT_KNOWN;
    s->stores = true;
    s->stores_distance = distance;
    s->target++;
    return 2;
}

/* Those of GEOSEARCH and GEOSEARCHSTORE. */
static int parse_own(struct cmd *c, uint32_t i, struct search *s)
{
    struct slice word = c->argv[i];
    uint32_t behind = c->argc - i - 1;
    if (s->form->center != BY_OPTIONS)
        return NOT_KNOWN;
    if (slice_is(word, "storedist") && s->form->stores) {
        s->stores_distance = true;
        return 1;
    }
    if (slice_is(word, "frommember") && behind >= 1 && !s->from_position) {
        s->from_member = true;
        return arg_member(c, i + 1, s) ? 2 : REFUSED;
    }
    if (slice_is(word, "fromlonlat") && behind >= 2 && !s->from_member) {
        s->from_position = true;
        return geo_arg_position(c, i + 1, &s->shape.center) ? 3 : REFUSED;
    }
    if (slice_is(word, "byradius") && behind >= 2 && !s->by_box) {
        s->by_radius = true;
        return arg_radius(c, i + 1, &s->shape) ? 3 : REFUSED;
    }
    if (slice_is(word, "bybox") && behind >= 3 && !s->by_radius) {
        s->by_box = true;
        return arg_box(c, i + 1, &s->shape) ? 4 : REFUSED;
    }
    return NOT_KNOWN;
}

static bool parse_options(struct cmd *c, uint32_t i, struct search *s)
{
    while (i < c->argc) {
        int taken = parse_common(c, i, s);
        if (taken == NOT_KNOWN)
            taken = parse_store(c, i, s);
        if (taken == NOT_KNOWN)
            taken = parse_own(c, i, s);
        if (taken == NOT_KNOWN)
            reply_syntax_error(c);
        if (taken <= 0)
            return false;
        i += (uint32_t)taken;
    }
    return true;
}

/* Whether the options go together. */
static bool check_options(struct cmd *c, const struct search *s)
{
    bool by_options = s->form->center == BY_OPTIONS;
    const char *name = by_options ? "GEOSEARCHSTORE" : "STORE option in GEORADIUS";
    struct slice called = c->argv[0];
    if (s->stores && (s->with_distance || s->with_hash || s->with_position))
        reply_errorf(c->reply, "ERR %s is not compatible with WITHDIST, WITHHASH and WITHCOORD options", name);
    else if (by_options && !s->from_member && !s->from_position)
        reply_errorf(c->reply, "ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for %.*s", (int)called.len,
                     called.ptr);
    else if (by_options && !s->by_radius && !s->by_box)
        reply_errorf(c->reply, "ERR exactly one of BYRADIUS and BYBOX can be specified for %.*s", (int)called.len,
                     called.ptr);
    else if (s->any && s->count == 0)
        reply_error(c->reply, "ERR the ANY argument requires COUNT argument");
    else
        return true;
    return false;
}

/* ---- Results ---- */

static void find_points(const struct search *s, struct geo_points *points)
{
    uint64_t most = s->count > 0 ? (uint64_t)s->count : UINT64_MAX;
    geo_search(zset_value(&s->index), &s->shape, s->any ? most : UINT64_MAX, points);
    /* COUNT means the nearest ones, unless any will do. */
    if (s->order != UNSORTED || (s->count > 0 && !s->any))
        geo_points_sort(points, s->order == FARTHEST_FIRST, most);
}

static void reply_points(struct cmd *c, const struct search *s, const struct geo_points *points)
{
    int extras = s->with_distance + s->with_hash + s->with_position;
    reply_array(c->reply, (int64_t)points->n);
    for (size_t i = 0; i < points->n; i++) {
        const struct geo_point *p = &points->all[i];
        if (extras > 0)
            reply_array(c->reply, 1 + extras);
        reply_bulk_slice(c->reply, geo_member(points, p));
        if (s->with_distance)
            geo_reply_distance(c->reply, p->distance / s->shape.metres);
        if (s->with_hash)
            reply_int(c->reply, (int64_t)p->score);
        if (s->with_position)
            geo_reply_position(c->reply, geohash_decode(p->score));
    }
}

static void store_points(struct cmd *c, const struct search *s, const struct geo_points *points)
{
    struct keyspace *ks = cmd_keyspace(c, s->target);
    struct zset target;
    struct zset_large *made = zset_large_create(keyspace_values(ks));
    for (size_t i = 0; i < points->n; i++) {
        const struct geo_point *p = &points->all[i];
        struct zset_spot spot = zset_large_find(made, geo_member(points, p));
        if (!spot.element)
            zset_large_collect(made, &spot, geo_member(points, p),
                               s->stores_distance ? p->distance / s->shape.metres : p->score);
    }
    zset_large_arrange(made);
    uint64_t n = zset_large_size(made);
    zset_write(ks, c->db, &c->keys[s->target], &target); /* of whatever type: it is overwritten */
    if (zset_store(&target, &c->limits->zset, made))
        cmd_changed(c);
    reply_int(c->reply, (int64_t)n);
}

static void search(struct cmd *c, const struct form *form)
{
    struct search s = {.form = form, .stores = form->stores};
    struct geo_points points = {0};
    uint32_t options;
    if (!zset_open_to_read(c, form->stores ? 1 : 0, &s.index) || !parse_center(c, &s, &options) ||
        !parse_options(c, options, &s) || !check_options(c, &s))
        return;
    if (zset_exists(&s.index))
        find_points(&s, &points);
    (s.stores ? store_points : reply_points)(c, &s, &points);
    geo_points_deinit(&points);
}

/* GEORADIUS key longitude latitude radius M|KM|FT|MI [WITHCOORD] [WITHDIST] [WITHHASH] [COUNT count [ANY]] [ASC|DESC]
 *     [STORE key|STOREDIST key] */
static void geo_georadius(struct cmd *c) { search(c, &(struct form){.center = AROUND_POSITION, .may_store = true}); }

/* The same without STORE and STOREDIST. */
static void geo_georadius_ro(struct cmd *c) { search(c, &(struct form){.center = AROUND_POSITION}); }

/* GEORADIUSBYMEMBER key member radius M|KM|FT|MI, then as GEORADIUS */
static void geo_georadiusbymember(struct cmd *c)
{
    search(c, &(struct form){.center = AROUND_MEMBER, .may_store = true});
}

/* The same without STORE and STOREDIST. */
static void geo_georadiusbymember_ro(struct cmd *c) { search(c, &(struct form){.center = AROUND_MEMBER}); }

/* GEOSEARCH key FROMMEMBER member|FROMLONLAT longitude latitude BYRADIUS radius M|KM|FT|MI|BYBOX width height
 * M|KM|FT|MI [ASC|DESC] [COUNT count [ANY]] [WITHCOORD] [WITHDIST] [WITHHASH] */
static void geo_geosearch(struct cmd *c) { search(c, &(struct form){.center = BY_OPTIONS}); }

/* GEOSEARCHSTORE destination source, then as GEOSEARCH; [STOREDIST] in place of what replies have */
static void geo_geosearchstore(struct cmd *c) { search(c, &(struct form){.center = BY_OPTIONS, .stores = true}); }

/* clang-format off */
struct command geo_search_commands[] = {
    {ROW("georadius", geo_georadius, -6, CMD_WRITE | CMD_DENYOOM | CMD_SIGNAL, ACL_GEO),
     .keys = {KEY_AT(1, KEY_RO | KEY_ACCESS),
              KEY_BEHIND("STORE", 6, 0, 0, KEY_OW | KEY_UPDATE),
              KEY_BEHIND("STOREDIST", 6, 0, 0, KEY_OW | KEY_UPDATE)},
     .find_keys = keys_of_georadius,
     DOC("3.2.0", "geo",
         "O(N+log(M)) where N is the number of elements inside the bounding box of the circular area delimited by "
         "center and radius and M is the number of items inside the index.",
         "Finds members within a distance from a point, and may store them."),
     DEPRECATED("6.2.0", "`GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` argument"),
     HISTORY({"6.2.0", "Added the `ANY` option for `COUNT`."},
             {"7.0.0", "Added support for uppercase unit names."})},
    {ROW("georadius_ro", geo_georadius_ro, -6, CMD_READONLY, ACL_GEO),
     .keys = {KEY_AT(1, KEY_RO | KEY_ACCESS)},
     DOC("3.2.10", "geo",
         "O(N+log(M)) where N is the number of elements inside the bounding box of the circular area delimited by "
         "center and radius and M is the number of items inside the index.",
         "Finds members within a distance from a point."),
     DEPRECATED("6.2.0", "`GEOSEARCH` with the `BYRADIUS` argument"),
     HISTORY({"6.2.0", "Added the `ANY` option for `COUNT`."})},
    {ROW("georadiusbymember", geo_georadiusbymember, -5, CMD_WRITE | CMD_DENYOOM | CMD_SIGNAL, ACL_GEO),
     .keys = {KEY_AT(1, KEY_RO | KEY_ACCESS),
              KEY_BEHIND("STORE", 5, 0, 0, KEY_OW | KEY_UPDATE),
              KEY_BEHIND("STOREDIST", 5, 0, 0, KEY_OW | KEY_UPDATE)},
     .find_keys = keys_of_georadius,
     DOC("3.2.0", "geo",
         "O(N+log(M)) where N is the number of elements inside the bounding box of the circular area delimited by "
         "center and radius and M is the number of items inside the index.",
         "Finds members within a distance from a member, and may store them."),
     DEPRECATED("6.2.0", "`GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` and `FROMMEMBER` arguments"),
     HISTORY({"7.0.0", "Added support for uppercase unit names."})},
    {ROW("georadiusbymember_ro", geo_georadiusbymember_ro, -5, CMD_READONLY, ACL_GEO),
     .keys = {KEY_AT(1, KEY_RO | KEY_ACCESS)},
     DOC("3.2.10", "geo",
         "O(N+log(M)) where N is the number of elements inside the bounding box of the circular area delimited by "
         "center and radius and M is the number of items inside the index.",
         "Finds members within a distance from a member."),
     DEPRECATED("6.2.0", "`GEOSEARCH` with the `BYRADIUS` and `FROMMEMBER` arguments")},
    {ROW("geosearch", geo_geosearch, -7, CMD_READONLY, ACL_GEO),
     .keys = {KEY_AT(1, KEY_RO | KEY_ACCESS)},
     DOC("6.2.0", "geo",
         "O(N+log(M)) where N is the number of elements in the grid-aligned bounding box area around the shape "
         "provided as the filter and M is the number of items inside the shape",
         "Finds members inside a circle or box."),
     HISTORY({"7.0.0", "Added support for uppercase unit names."})},
    {ROW("geosearchstore", geo_geosearchstore, -8, CMD_WRITE | CMD_DENYOOM | CMD_SIGNAL, ACL_GEO),
     .keys = {KEY_AT(1, KEY_OW | KEY_UPDATE), KEY_AT(2, KEY_RO | KEY_ACCESS)},
     DOC("6.2.0", "geo",
         "O(N+log(M)) where N is the number of elements in the grid-aligned bounding box area around the shape "
         "provided as the filter and M is the number of items inside the shape",
         "Finds members inside a circle or box and stores them."),
     HISTORY({"7.0.0", "Added support for uppercase unit names."})},
    {.name = NULL},
};
/* clang-format on */
