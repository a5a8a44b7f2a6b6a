#include "src/server/auth.h"

#include <string.h>

/* Compares without a branch on the content; only the length of what the client sent shows in the time. */
static bool equal_constant_time(struct slice a, struct slice b)
{
    unsigned char different = a.len != b.len;
    for (size_t i = 0; i < a.len; i++)
        different |= (unsigned char)(a.ptr[i] ^ (b.len ? b.ptr[i % b.len] : 0));
    return different == 0;
}

bool auth_check(const char *required, struct slice user, struct slice given)
{
    bool is_default = slice_eq(user, slice_str("default"));
    bool right = required[0] == '\0' || equal_constant_time(given, slice_str(required));
    return is_default && right;
}
