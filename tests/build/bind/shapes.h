/* SPDX-License-Identifier: MIT */
/* Every kind of argument and result that a gate passes, once. */
#ifndef SHAPES_H
#define SHAPES_H

#ifndef __cplusplus
#include <stdbool.h>
#endif
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

enum shape_color { SHAPE_RED = 1, SHAPE_BLUE = 7 };
typedef unsigned char shape_byte;
struct shape_point {
	int x, y;
};
struct shape_node {
	struct shape_node *next;
	int value;
};
typedef struct {
	int a, b;
} shape_pair, *shape_pairp;
struct shape_list;

int shape_sum(const int *values, unsigned count);
int shape_first(const int values[4]);
void shape_fill(shape_byte *to, size_t *length, shape_byte with);
void shape_boast(shape_byte *to, size_t *length);
bool shape_is_odd(long value);
enum shape_color shape_next(enum shape_color of);
double shape_mean(const double *values, size_t count, float scale);
void shape_move(struct shape_point *point, const struct shape_point *by);
size_t shape_length(const char *text);
const char *shape_name(void);
const char *shape_nowhere(void);
/* How many, or a lie: more than there are, one without an end, none at all. */
int shape_colors(const char ***names, int lie);
void shape_upper(char *text, int rows, int each);
size_t shape_total(const char *const *texts, unsigned count);
int shape_pair_sum(shape_pairp pair);
int shape_pair_stays(shape_pairp pair);
int shape_twice(int);
/* What the wrappers are written with are names of arguments elsewhere. */
int shape_named(int error, int loans, int Sandbox, const char *strlen);
void shape_unnamed(shape_byte *, size_t *, const int *, unsigned);
int shape_many(int a, int b, int c, int d, int e, int f, int g, double h,
	       const char *text);
int shape_crash(int value);
int shape_open(const char *path); /* errno says why not */
int shape_flags(bool *one, bool *two);
void shape_odd_each(const long *values, bool *odd, unsigned count);

struct shape_list *shape_list_new(void);
int shape_list_make(struct shape_list **made);
void shape_list_add(struct shape_list *list, int value);
int shape_list_sum(const struct shape_list *list);
const struct shape_node *shape_list_head(const struct shape_list *list);
void shape_list_free(struct shape_list *list);
long shape_bytes(void *to, const void *from, size_t length);

typedef int (*shape_visitor)(void *arg, const struct shape_point *at,
			     short weight, bool last);
int shape_each(shape_visitor visit, void *arg);
void shape_tell(void (*tell)(void *arg, int value), void *arg);
double shape_integrate(double (*of)(double x), double from, double to);
/* As a module may, with words that no compiler would hand over. */
int shape_each_dirty(shape_visitor visit);

/* How many there are, of as many as there is room for; or -1. */
int shape_digits(char *to, size_t room, int value);
void shape_squares(int *to, size_t room, size_t *used);
int shape_weigh(void *arg, const struct shape_point *at, short weight,
		bool last);
struct shape_node *shape_node_new(void);
const char *shape_list_text(int how, ...);

#ifdef __cplusplus
}
#endif

#endif /* SHAPES_H */
