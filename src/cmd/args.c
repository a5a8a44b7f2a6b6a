#include "src/cmd/args.h"

#include <limits.h>

#include "src/base/num.h"

bool arg_i64(struct cmd *c, uint32_t i, int64_t *out)
{
    if (num_parse_i64(c->argv[i], out))
        return true;
    reply_error(c->reply, "ERR value is not an integer or out of range");
    return false;
}

bool arg_i32(struct cmd *c, uint32_t i, int32_t *out)
{
    int64_t v;
    if (!arg_i64(c, i, &v))
        return false;
    if (v < INT_MIN || v > INT_MAX) {
        reply_errorf(c->reply, "ERR value is out of range, value must between %d and %d", INT_MIN, INT_MAX);
        return false;
    }
    *out = (int32_t)v;
    return true;
}

bool arg_i64_signed(struct cmd *c, uint32_t i, int64_t *out)
{
    if (!arg_i64(c, i, out))
        return false;
    if (*out == INT64_MIN)
        reply_error(c->reply, "ERR value is out of range, value must between -9223372036854775807 and "
                              "9223372036854775807");
    return *out != INT64_MIN;
}

bool arg_i64_from(struct cmd *c, uint32_t i, int64_t min, const char *error, int64_t *out)
{
    if (num_parse_i64(c->argv[i], out) && *out >= min)
        return true;
    reply_error(c->reply, error);
    return false;
}

bool arg_double(struct cmd *c, uint32_t i, const char *error, double *out)
{
    if (num_parse_double(c->argv[i], out))
        return true;
    reply_error(c->reply, error ? error : "ERR value is not a valid float");
    return false;
}

bool arg_database(struct cmd *c, uint32_t i, uint32_t *out)
{
    int32_t db;
    if (!arg_i32(c, i, &db))
        return false;
    if (db < 0 || (uint32_t)db >= c->limits->databases) {
        reply_error(c->reply, "ERR DB index is out of range");
        return false;
    }
    *out = (uint32_t)db;
    return true;
}

void reply_syntax_error(struct cmd *c) { reply_error(c->reply, "ERR syntax error"); }
