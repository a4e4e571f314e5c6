/* SPDX-License-Identifier: MIT */
/* The library behind shapes.h, as a module; some of it lies. */
#include <stdbool.h>
#include <stddef.h>

struct shape_point {
	int x, y;
};
struct shape_node {
	struct shape_node *next;
	int value;
};
struct shape_list {
	struct shape_node *head;
};
typedef int (*visitor)(void *arg, const struct shape_point *at, short weight,
		       bool last);

void *malloc(size_t size);
void *calloc(size_t count, size_t size);
void free(void *block);

int shape_sum(const int *values, unsigned count)
{
	int sum = 0;

	while (count-- > 0)
		sum += values[count];
	return sum;
}

int shape_named(int error, int loans, int of, const char *text)
{
	return error + loans + of + text[0];
}

/* All but the first, if there is room. */
void shape_unnamed(unsigned char *to, size_t *length, const int *values,
		   unsigned count)
{
	size_t used = 0;

	while (used + 1 < count && used < *length) {
		to[used] = (unsigned char)values[used + 1];
		used++;
	}
	*length = used;
}

int shape_first(const int *values)
{
	return values == NULL ? -1 : values[0];
}

void shape_fill(unsigned char *to, size_t *length, unsigned char with)
{
	*length /= 2;
	for (size_t i = 0; i < *length; i++)
		to[i] = with;
}

/* More than it was lent. */
void shape_boast(unsigned char *to, size_t *length)
{
	for (size_t i = 0; i < *length; i++)
		to[i] = '!';
	*length = (size_t)-1;
}

/* A bool that is neither, in a register whose upper bytes mean nothing. */
long shape_is_odd(long value)
{
	return (value & 1) != 0 ? 0x7702 : 0x7700;
}

/* None of the enumeration's. */
long shape_next(int of)
{
	return (1L << 40) + of + 1;
}

double shape_mean(const double *values, size_t count, float scale)
{
	double sum = 0;

	for (size_t i = 0; i < count; i++)
		sum += values[i];
	return sum / (double)count * (double)scale;
}

void shape_move(struct shape_point *point, const struct shape_point *by)
{
	point->x += by->x;
	point->y += by->y;
}

size_t shape_length(const char *text)
{
	size_t length = 0;

	if (text == NULL)
		return (size_t)-1;
	while (text[length] != '\0')
		length++;
	return length;
}

size_t shape_total(const char *const *texts, unsigned count)
{
	size_t total = 0;

	while (count-- > 0)
		total += shape_length(texts[count]);
	return total;
}

const char *shape_name(void)
{
	return "shapes";
}

const char *shape_nowhere(void)
{
	return (const char *)0x1000;
}

int shape_colors(const char ***names, int lie)
{
	static const char endless[] = "red, green, blue and all the others";
	static const char *colors[] = {"red", "blue", "", (const char *)0x1000};

	colors[1] = lie == 2 ? endless : "blue";
	*names = lie == 3 ? (const char **)0x1000 : colors;
	return lie == 1 ? 1000 : 3;
}

void shape_upper(char *text, int rows, int each)
{
	for (int i = 0; i < rows * each; i++)
		if (text[i] >= 'a' && text[i] <= 'z')
			text[i] = (char)(text[i] - 'a' + 'A');
}

int shape_pair_sum(const int *pair)
{
	return pair[0] + pair[1];
}

int shape_pair_stays(const int *pair)
{
	return pair == NULL ? -1 : shape_pair_sum(pair);
}

int shape_twice(int value)
{
	return 2 * value;
}

int shape_many(int a, int b, int c, int d, int e, int f, int g, double h,
	       const char *text)
{
	return a + b + c + d + e + f + 10 * g + (int)h + text[0];
}

int shape_crash(int value)
{
	static volatile int *volatile nowhere;

	*nowhere = value;
	return value;
}

int shape_flags(unsigned char *one, unsigned char *two)
{
	*two = *one == 1 ? 200 : 0;
	*one = 0;
	return 0;
}

void shape_odd_each(const long *values, unsigned char *odd, unsigned count)
{
	while (count-- > 0)
		odd[count] = values[count] % 2 ? 200 : 0;
}

struct shape_list *shape_list_new(void)
{
	struct shape_list *list = malloc(sizeof(*list));

	list->head = NULL;
	return list;
}

int shape_list_make(struct shape_list **made)
{
	*made = shape_list_new();
	return 0;
}

void shape_list_add(struct shape_list *list, int value)
{
	struct shape_node *node = malloc(sizeof(*node));

	node->next = list->head;
	node->value = value;
	list->head = node;
}

int shape_list_sum(const struct shape_list *list)
{
	int sum = 0;
	const struct shape_node *at;

	for (at = list->head; at != NULL; at = at->next)
		sum += at->value;
	return sum;
}

const struct shape_node *shape_list_head(const struct shape_list *list)
{
	return list->head;
}

void shape_list_free(struct shape_list *list)
{
	while (list->head != NULL) {
		struct shape_node *next = list->head->next;

		free(list->head);
		list->head = next;
	}
	free(list);
}

long shape_bytes(void *to, const void *from, size_t length)
{
	for (size_t i = 0; i < length; i++)
		((unsigned char *)to)[i] =
			(unsigned char)(((const unsigned char *)from)[i] + 1);
	return (long)length;
}

int shape_each(visitor visit, void *arg)
{
	int sum = 0;

	if (visit == NULL)
		return -1;
	for (int i = 1; i <= 3; i++) {
		struct shape_point at = {i, 10 * i};

		sum += visit(arg, &at, (short)-i, i == 3);
	}
	return sum;
}

void shape_tell(void (*tell)(void *arg, int value), void *arg)
{
	tell(arg, 3);
	tell(arg, 4);
}

double shape_integrate(double (*of)(double x), double from, double to)
{
	return (of(from) + of(to)) / 2 * (to - from);
}

static int number;
int *__errno_location(void);
int *__errno_location(void)
{
	return &number;
}

int shape_open(const char *path)
{
	if (path[0] == '/')
		return 3;
	*__errno_location() = 2;
	return -1;
}

int shape_each_dirty(visitor visit)
{
	int (*words)(long, long, long, long) =
		(int (*)(long, long, long, long))(void (*)(void))visit;

	return words(0, 0x1000, (7L << 40) - 2, 0x5500 + 2);
}

int shape_digits(char *to, size_t room, int value)
{
	int used = 0;

	if (value < 0)
		return -1;
	for (; value > 0; value /= 10)
		if ((size_t)used < room)
			to[used++] = (char)('0' + value % 10);
	return used;
}

/* One more is written than it says. */
void shape_squares(int *to, size_t room, size_t *used)
{
	for (size_t i = 0; i < room; i++)
		to[i] = (int)(i * i);
	*used = room - 1;
}

int shape_weigh(void *arg, const struct shape_point *at, short weight,
		bool last)
{
	(void)arg;
	return at->x * weight + last;
}

struct shape_node *shape_node_new(void)
{
	return calloc(1, sizeof(struct shape_node));
}
