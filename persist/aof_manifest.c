#include "persist/aof_manifest.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "src/base/mem.h"
#include "src/base/split.h"

static const char bad_format[] = "Invalid AOF manifest file format";

static const int64_t SEQUENCE_MAX = INT64_MAX / 2; /* leaves room to count on */

static char *copy_text(const char *text, size_t len)
{
    char *copy = mem_alloc(NULL, len + 1);
    memcpy(copy, text, len);
    copy[len] = '\0';
    return copy;
}

static void list_insert(struct aof_manifest_list *list, uint32_t at, struct aof_manifest_file file)
{
    if (list->n == list->cap) {
        list->cap = list->cap ? list->cap * 2 : 4;
        list->v = mem_realloc(NULL, list->v, list->cap * sizeof *list->v);
    }
    memmove(list->v + at + 1, list->v + at, (list->n - at) * sizeof *list->v);
    list->v[at] = file;
    list->n++;
}

static void list_deinit(struct aof_manifest_list *list)
{
    for (uint32_t i = 0; i < list->n; i++)
        mem_free(NULL, list->v[i].name);
    mem_free(NULL, list->v);
    *list = (struct aof_manifest_list){0};
}

static struct aof_manifest_file copy_file(const struct aof_manifest_file *file)
{
    struct aof_manifest_file copy = *file;
    copy.name = copy_text(file->name, strlen(file->name));
    return copy;
}

static void list_copy(struct aof_manifest_list *to, const struct aof_manifest_list *from)
{
    for (uint32_t i = 0; i < from->n; i++)
        list_insert(to, to->n, copy_file(&from->v[i]));
}

static bool list_names(const struct aof_manifest_list *list, const char *name)
{
    for (uint32_t i = 0; i < list->n; i++) {
        if (strcmp(list->v[i].name, name) == 0)
            return true;
    }
    return false;
}

void aof_manifest_deinit(struct aof_manifest *m)
{
    mem_free(NULL, m->base.name);
    list_deinit(&m->history);
    list_deinit(&m->incremental);
    *m = (struct aof_manifest){0};
}

void aof_manifest_copy(struct aof_manifest *to, const struct aof_manifest *from)
{
    to->base_sequence = from->base_sequence;
    to->incremental_sequence = from->incremental_sequence;
    if (from->base.name)
        to->base = copy_file(&from->base);
    list_copy(&to->history, &from->history);
    list_copy(&to->incremental, &from->incremental);
}

bool aof_manifest_names(const struct aof_manifest *m, const char *name)
{
    return (m->base.name && strcmp(m->base.name, name) == 0) || list_names(&m->history, name) ||
           list_names(&m->incremental, name);
}

/* What a line says, before it is known to be right. */
struct line {
    char name[AOF_MANIFEST_LINE_BYTES_MAX];
    int64_t sequence; /* 0: none */
    char type;        /* 0: none */
};

static const char *read_pair(struct line *line, const char *key, const char *value)
{
    if (strcasecmp(key, "file") == 0) {
        if (strpbrk(value, "/\\"))
            return "File can't be a path, just a filename";
        strcpy(line->name, value);
    } else if (strcasecmp(key, "seq") == 0) {
        line->sequence = strtoll(value, NULL, 10);
    } else if (strcasecmp(key, "type") == 0) {
        line->type = value[0];
    }
    return NULL;
}

/* The words of one line, which go in pairs. Unknown keys are skipped, as Redis does for what may come. */
static const char *read_line(struct slice text, struct line *line)
{
    char key[AOF_MANIFEST_LINE_BYTES_MAX + 1], value[AOF_MANIFEST_LINE_BYTES_MAX + 1];
    struct split_word word;
    enum split_status status;
    uint32_t words = 0;
    const char *why = NULL;
    *line = (struct line){0};
    for (size_t pos = 0; (status = split_next(text, &pos, &word)) == SPLIT_WORD; words++) {
        char *to = words % 2 ? value : key;
        to[split_unquote(word.raw, to)] = '\0';
        if (words % 2 && !why)
            why = read_pair(line, key, value);
    }
    if (status != SPLIT_END || words < 6 || words % 2)
        return bad_format;
    if (!why && (!line->name[0] || !line->type || line->sequence < 1 || line->sequence > SEQUENCE_MAX))
        return bad_format;
    return why;
}

static const char *take_line(struct aof_manifest *m, const struct line *line)
{
    struct aof_manifest_file file = {.sequence = line->sequence};
    if (line->type == 'b' && m->base.name)
        return "Found duplicate base file information";
    if (line->type == 'i' && line->sequence <= m->incremental_sequence)
        return "Found a non-monotonic sequence number";
    if (!line->type || !strchr("bhi", line->type))
        return "Unknown AOF file type";
    if (aof_manifest_names(m, line->name))
        return "Found a file that is named twice";
    file.name = copy_text(line->name, strlen(line->name));
    if (line->type == 'b') {
        m->base = file;
        m->base_sequence = file.sequence;
    } else if (line->type == 'i') {
        list_insert(&m->incremental, m->incremental.n, file);
        m->incremental_sequence = file.sequence;
    } else {
        list_insert(&m->history, m->history.n, file);
    }
    return NULL;
}

static struct slice trim(struct slice s)
{
    while (s.len > 0 && memchr(" \t\r\n", s.ptr[0], 4))
        s = slice_of(s.ptr + 1, s.len - 1);
    while (s.len > 0 && memchr(" \t\r\n", s.ptr[s.len - 1], 4))
        s.len--;
    return s;
}

/* What fgets with room for a line would get: up to its end, or as much as fits. */
static struct slice next_line(struct slice *text)
{
    size_t max = text->len < AOF_MANIFEST_LINE_BYTES_MAX ? text->len : AOF_MANIFEST_LINE_BYTES_MAX;
    const char *end = memchr(text->ptr, '\n', max);
    struct slice line = slice_of(text->ptr, end ? (size_t)(end - text->ptr) + 1 : max);
    *text = slice_of(text->ptr + line.len, text->len - line.len);
    return line;
}

static const char *parse_line(struct aof_manifest *m, struct slice raw, struct aof_manifest_error *error)
{
    struct line line;
    if (raw.ptr[0] == '#')
        return NULL;
    /* Also the last line needs its end, and a NUL is the end of what Redis sees of a line. */
    if (raw.ptr[raw.len - 1] != '\n' || memchr(raw.ptr, '\0', raw.len))
        return "The AOF manifest file contains too long line";
    error->text = trim(raw);
    if (error->text.len == 0)
        return bad_format;
    const char *why = read_line(error->text, &line);
    return why ? why : take_line(m, &line);
}

bool aof_manifest_parse(struct aof_manifest *m, struct slice text, struct aof_manifest_error *error)
{
    *error = (struct aof_manifest_error){0};
    if (text.len == 0)
        error->why = "Found an empty AOF manifest";
    while (text.len > 0 && !error->why) {
        error->line++;
        error->text = (struct slice){0};
        error->why = parse_line(m, next_line(&text), error);
    }
    if (error->why)
        aof_manifest_deinit(m);
    return !error->why;
}

static bool needs_quotes(const char *name)
{
    for (; *name; name++) {
        if (!isgraph((unsigned char)*name) || strchr("\\\"'", *name))
            return true;
    }
    return false;
}

static void print_name(FILE *out, const char *name)
{
    if (!needs_quotes(name)) {
        fputs(name, out);
        return;
    }
    fputc('"', out);
    for (; *name; name++) {
        if (strchr("\\\"", *name))
            fprintf(out, "\\%c", *name);
        else if (isprint((unsigned char)*name))
            fputc(*name, out);
        else
            fprintf(out, "\\x%02x", (unsigned char)*name);
    }
    fputc('"', out);
}

static void print_file(FILE *out, const struct aof_manifest_file *file, char type)
{
    fputs("file ", out);
    print_name(out, file->name);
    fprintf(out, " seq %" PRId64 " type %c\n", file->sequence, type);
}

char *aof_manifest_format(const struct aof_manifest *m, size_t *len)
{
    char *text = NULL;
    size_t n;
    FILE *out = open_memstream(&text, &n);
    if (m->base.name)
        print_file(out, &m->base, 'b');
    for (uint32_t i = 0; i < m->history.n; i++)
        print_file(out, &m->history.v[i], 'h');
    for (uint32_t i = 0; i < m->incremental.n; i++)
        print_file(out, &m->incremental.v[i], 'i');
    fclose(out);
    char *copy = copy_text(text, n);
    free(text);
    *len = n;
    return copy;
}

/* Counts on until the name is new: history may have higher numbers than what is in use. */
static struct aof_manifest_file new_file(const struct aof_manifest *m, const char *filename, int64_t *sequence,
                                         const char *suffix)
{
    char name[AOF_MANIFEST_LINE_BYTES_MAX];
    int n;
    do
        n = snprintf(name, sizeof name, "%s.%" PRId64 "%s", filename, ++*sequence, suffix);
    while (aof_manifest_names(m, name));
    return (struct aof_manifest_file){.name = copy_text(name, (size_t)n), .sequence = *sequence};
}

const char *aof_manifest_add_base(struct aof_manifest *m, const char *filename, bool rdb)
{
    struct aof_manifest_file base = new_file(m, filename, &m->base_sequence, rdb ? ".base.rdb" : ".base.aof");
    if (m->base.name)
        list_insert(&m->history, 0, m->base);
    m->base = base;
    return m->base.name;
}

const char *aof_manifest_add_incremental(struct aof_manifest *m, const char *filename)
{
    list_insert(&m->incremental, m->incremental.n, new_file(m, filename, &m->incremental_sequence, ".incr.aof"));
    return m->incremental.v[m->incremental.n - 1].name;
}

void aof_manifest_retire(struct aof_manifest *m, uint32_t keep)
{
    struct aof_manifest_list *list = &m->incremental;
    if (list->n <= keep)
        return;
    uint32_t gone = list->n - keep;
    for (uint32_t i = gone; i-- > 0;)
        list_insert(&m->history, 0, list->v[i]);
    list->n = keep;
    memmove(list->v, list->v + gone, list->n * sizeof *list->v);
}

void aof_manifest_cut(struct aof_manifest *m, uint32_t left)
{
    struct aof_manifest_list *list = &m->incremental;
    for (; list->n > left; list->n--)
        list_insert(&m->history, 0, list->v[list->n - 1]);
}

void aof_manifest_announce(struct aof_manifest *m, const struct aof_manifest *next)
{
    const struct aof_manifest_file *incremental = &next->incremental.v[next->incremental.n - 1];
    list_insert(&m->history, 0, copy_file(&next->base));
    if (m->incremental.n > 0) {
        list_insert(&m->history, 0, copy_file(incremental));
        return;
    }
    list_insert(&m->incremental, 0, copy_file(incremental));
    m->incremental_sequence = incremental->sequence;
}

void aof_manifest_drop_history(struct aof_manifest *m, uint32_t keep)
{
    while (m->history.n > keep)
        mem_free(NULL, m->history.v[--m->history.n].name);
}

bool aof_manifest_is_upgrade(const struct aof_manifest *m, const char *filename, bool in_directory)
{
    if (m->incremental.n > 0)
        return false;
    return !m->base.name || (strcmp(m->base.name, filename) == 0 && !in_directory);
}

void aof_manifest_upgrade(struct aof_manifest *m, const char *filename)
{
    mem_free(NULL, m->base.name);
    m->base = (struct aof_manifest_file){.name = copy_text(filename, strlen(filename)), .sequence = 1};
    m->base_sequence = 1;
}
