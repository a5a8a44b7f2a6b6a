/* A strict reader of RESP2 and RESP3 for tests of what writes them: no leading zeros in lengths, no RESP3 types in
 * RESP2, no CR or LF in a line, nothing left over. */
#ifndef SKUA_TESTS_UNIT_RESP_CHECK_H
#define SKUA_TESTS_UNIT_RESP_CHECK_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "src/base/num.h"
#include "src/base/slice.h"

/* The line at *pos without its CRLF; moves *pos behind it. */
static inline bool resp_line(struct slice in, size_t *pos, struct slice *line)
{
    const char *start = in.ptr + *pos, *end = memchr(start, '\n', in.len - *pos);
    if (!end || end == start || end[-1] != '\r')
        return false;
    *line = slice_of(start, (size_t)(end - start) - 1);
    *pos += (size_t)(end - start) + 1;
    return !memchr(line->ptr, '\r', line->len);
}

static inline bool resp_bulk(struct slice in, size_t *pos, int64_t len)
{
    if (len < 0 || in.len - *pos < (size_t)len + 2 || memcmp(in.ptr + *pos + len, "\r\n", 2) != 0)
        return false;
    *pos += (size_t)len + 2;
    return true;
}

/* One value at *pos, with all that is in it; moves *pos behind it. */
static inline bool resp_value(struct slice in, size_t *pos, int resp)
{
    struct slice line;
    int64_t n = 0;
    double d;
    if (*pos >= in.len || !resp_line(in, pos, &line) || line.len == 0)
        return false;
    char type = line.ptr[0];
    struct slice rest = slice_of(line.ptr + 1, line.len - 1);
    if (strchr("+-", type))
        return true;
    if (resp == 2 && !strchr(":$*", type))
        return false;
    if (strchr("_#,(", type))
        return type == '_'   ? rest.len == 0
               : type == '#' ? slice_eq(rest, slice_str("t")) || slice_eq(rest, slice_str("f"))
               : type == ',' ? num_parse_double(rest, &d) || slice_eq(rest, slice_str("nan"))
                             : rest.len > 0;
    if (!strchr(":$=*%~>|", type) || !num_parse_i64(rest, &n))
        return false;
    if (type == ':' || (resp == 2 && strchr("$*", type) && n == -1))
        return true;
    if (strchr("$=", type))
        return (type == '$' || (n >= 4 && in.ptr[*pos + 3] == ':')) && resp_bulk(in, pos, n);
    if (n < 0)
        return false;
    for (int64_t i = 0; i < (strchr("%|", type) ? n * 2 : n); i++) {
        if (!resp_value(in, pos, resp))
            return false;
    }
    return type != '|' || resp_value(in, pos, resp); /* an attribute belongs to the value behind it */
}

#endif
