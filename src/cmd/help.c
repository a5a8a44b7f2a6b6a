#include "src/cmd/help.h"

#include <ctype.h>
#include <stdio.h>

void help_reply(struct reply *r, const char *name, const char *const *lines)
{
    uint32_t n = 0;
    while (lines[n])
        n++;
    char container[32];
    size_t len = 0;
    for (const char *p = name; *p && len + 1 < sizeof(container); p++)
        container[len++] = (char)toupper((unsigned char)*p);
    container[len] = '\0';

    char head[128];
    snprintf(head, sizeof(head), "%s <subcommand> [<arg> [value] [opt] ...]. Subcommands are:", container);
    reply_array(r, n + 3);
    reply_status(r, head);
    for (uint32_t i = 0; i < n; i++)
        reply_status(r, lines[i]);
    reply_status(r, "HELP");
    reply_status(r, "    Prints this help.");
}

/* <container> HELP */
void help_command(struct cmd *c) { help_reply(c->reply, c->row->parent->name, c->row->parent->help); }
