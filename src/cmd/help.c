#include "src/cmd/help.h"

#include <ctype.h>
#include <stdio.h>

/* <container> HELP */
void help_command(struct cmd *c)
{
    const char *const *lines = c->row->parent->help;
    uint32_t n = 0;
    while (lines[n])
        n++;
    char container[32];
    size_t len = 0;
    for (const char *p = c->row->parent->name; *p && len + 1 < sizeof(container); p++)
        container[len++] = (char)toupper((unsigned char)*p);
    container[len] = '\0';

    char head[128];
    snprintf(head, sizeof(head), "%s <subcommand> [<arg> [value] [opt] ...]. Subcommands are:", container);
    reply_array(c->reply, n + 3);
    reply_status(c->reply, head);
    for (uint32_t i = 0; i < n; i++)
        reply_status(c->reply, lines[i]);
    reply_status(c->reply, "HELP");
    reply_status(c->reply, "    Prints this help.");
}
