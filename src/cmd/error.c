#include "src/cmd/error.h"

#include "src/base/assert.h"

static const char *text(enum status status)
{
    switch (status) {
    case STATUS_OK:
    case STATUS_NOT_FOUND:
    case STATUS_EXISTS:
        break;
    case STATUS_WRONG_TYPE:
        return ERROR_WRONG_TYPE;
    case STATUS_NOT_INTEGER:
        return "ERR value is not an integer or out of range";
    case STATUS_NOT_FLOAT:
        return "ERR value is not a valid float";
    case STATUS_OVERFLOW:
        return "ERR increment or decrement would overflow";
    case STATUS_NAN_OR_INF:
        return "ERR increment would produce NaN or Infinity";
    case STATUS_TOO_LONG:
        return "ERR string exceeds maximum allowed size (proto-max-bulk-len)";
    case STATUS_SYNTAX:
        return "ERR syntax error";
    case STATUS_OUT_OF_RANGE:
        return "ERR index out of range";
    case STATUS_NOT_HLL:
        return "WRONGTYPE Key is not a valid HyperLogLog string value.";
    case STATUS_CORRUPT_HLL:
        return "INVALIDOBJ Corrupted HLL object detected";
    }
    ASSERT(!"an error");
    return NULL;
}

void error_reply(struct reply *r, enum status status) { reply_error(r, text(status)); }
