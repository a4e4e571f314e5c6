/* SPDX-License-Identifier: MIT */
/*
 * What cannot be bound: what is asked for, a bar, and the beginning of what is
 * said of the line below.
 */
#include <stdarg.h>
#include <stddef.h>

struct pair { int a, b; };
struct holder { struct pair at[2]; char *text; };
struct opaque;

/* by_value | argument 1, one, is struct pair by value */
int by_value(struct pair one);
/* returns_pair | its result is struct pair by value */
struct pair returns_pair(void);
/* long_double | argument 2, b, is long double */
int long_double(int a, long double b);
/* returns_long_double | its result is long double */
long double returns_long_double(void);
/* returns_wide | its result is __int128 */
__int128 returns_wide(void);
/* returns_complex | its result is _Complex double */
_Complex double returns_complex(void);
/* variable | it has variable arguments */
int variable(const char *format, ...);
/* list | argument 2, arguments, is a va_list */
int list(const char *format, va_list arguments);
/* old_style | it is declared without its arguments */
int old_style();
/* setjmp | it returns twice */
int setjmp(long *place);
/* defined | it is defined in the header */
static inline int defined(int a) { return a; }
/* returns_function | its result is a pointer to a function */
void (*returns_function(void))(int);
/* seventeen | it has 17 integers and pointers */
int seventeen(int, int, int, int, int, int, int, int, int, int, int, int, int,
	      int, int, int, int);
/* nine | it has 9 floats and doubles */
int nine(float, float, float, float, float, double, double, double, double);
/* calls_variable | argument 1, print, is a pointer to a function with */
int calls_variable(int (*print)(const char *, ...));
/* calls_with_pair | argument 1 of argument 1, take, is struct pair by value */
int calls_with_pair(int (*take)(struct pair));
/* calls_deep | argument 1 of argument 1, take, is a pointer to a function */
int calls_deep(int (*take)(void (*)(void)));
/* unnamed | struct (unnamed at */
int unnamed(struct { int a; } *what);
/* nothing x=in | x is none of its arguments: it has none */
int nothing(void);

#define GIVES(name)                                                            \
	int name(const struct pair *from, struct opaque *hidden,               \
		 struct holder *holder, void *bytes, int count, double number, \
		 size_t *length)
/* names size=in | size is none of its arguments, which are from, hidden, */
GIVES(names);
/* writes from=out | from points to what the function does not write */
GIVES(writes);
/* incomplete hidden=in | hidden points to struct opaque, and the header */
GIVES(incomplete);
/* holds holder=inout | holder points to struct holder, which holds pointers */
GIVES(holds);
/* holds_out holder=out:3 | holder points to struct holder, which holds */
GIVES(holds_out);
/* bytes bytes=in | bytes points to void */
GIVES(bytes);
/* floats bytes=in:number | number is no integer */
GIVES(floats);
/* stars bytes=in:*length | *length is the length of bytes */
GIVES(stars);
/* sums bytes=in:3+4 | 3+4: a length is */
GIVES(sums);
/* places bytes=in:@9 | 9 is none of its arguments, which are from, hidden, */
GIVES(places);
/* numbers count=in | count is no pointer to data */
GIVES(numbers);
/* ways from=maybe | from=maybe: a pointer is passed as */
GIVES(ways);
/* strings from=string | from points to struct pair, and a string is of char */
GIVES(strings);
/* twice from=in from=in | something is said of from twice */
GIVES(twice);
/* stays from=module:3 | from=module has no length */
GIVES(stays);
/* again again | it is named twice */
GIVES(again);
/* sizes bytes=in:count:result | bytes goes in, and nothing of it */
GIVES(sizes);
/* opaque hidden=module length=in bytes=out:4:*from | *from is the length of */
GIVES(opaque);

#define FILLS(type, name) type name(char *text, size_t room, float *part)
/* nowhere text=out:room:result | its result is no integer, and so no length */
FILLS(void, nowhere);
/* parts part=out text=out:room:*part | *part is the length of text: then */
FILLS(int, parts);
/* sums_back text=out:room:1+2 | 1+2: a length is an argument (length, or @2) */
FILLS(int, sums_back);
/* empty text=out:room: | nothing: a length is an argument (length, or @2) */
FILLS(int, empty);
/* large text=out:99999999999999999999 | 99999999999999999999: no memory has */
FILLS(int, large);
/* unsaid text=out:room:*room | *room is the length of text: then room is in */
FILLS(int, unsaid);
/* nobody =in | nothing is none of its arguments, which are text, room, part */
FILLS(int, nobody);
