/* One command that the model runs: its arguments, the values it may change, and its answer. For the files of the model,
 * one a type of values (model_string.c, ...), each with a table of the commands that it knows (model_row, model.h). */
#ifndef SKUA_TESTS_SERIAL_MODEL_CALL_H
#define SKUA_TESTS_SERIAL_MODEL_CALL_H

#include "tests/serial/collection.h"
#include "tests/serial/model.h"

struct model_call {
    struct model *model;
    const struct op *op;
    uint32_t *store;
};

/* The tables; a row without a name is the end. */
extern const struct model_row model_keys[], model_strings[], model_lists[], model_sets[];

/* ---- Arguments ---- */

/* The value of the key that an argument names, in the database of the connection or in another one. */
uint32_t *model_at(struct model_call *c, uint32_t arg);
uint32_t *model_at_in(struct model_call *c, uint32_t arg, uint32_t db);
/* The same as a string; empty if there is no value. */
struct slice model_value_at(struct model_call *c, uint32_t arg);
/* Whether it is of that kind, or none; else it answered the error. */
bool model_holds(struct model_call *c, uint32_t arg, enum kind kind);
/* It is this from now on. */
void model_store(struct model_call *c, uint32_t arg, const struct collection *value);

uint32_t model_database_of_arg(struct model_call *c, uint32_t arg);
uint32_t model_value_of_arg(struct model_call *c, uint32_t arg);
/* Whether one of the arguments from that one on is this word, in any case. */
bool model_has_word(struct model_call *c, uint32_t from, const char *word);

/* ---- The answer, in parts, in order ---- */

void model_put(struct model_call *c, const char *ptr, size_t len);
__attribute__((format(printf, 2, 3))) void model_putf(struct model_call *c, const char *format, ...);
void model_answer_ok(struct model_call *c);
void model_answer_integer(struct model_call *c, int64_t n);
void model_answer_bulk(struct model_call *c, struct slice s);
/* A bulk, or nil. */
void model_answer_value(struct model_call *c, uint32_t value);
void model_answer_elements(struct model_call *c, const struct collection *value);

#endif
