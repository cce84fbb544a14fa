/* A store of names. */
#include "sample.h"
#include <stdio.h>

#define LIMIT 8
#define MAX(a, b) ((a) > (b) ? (a) : (b))

/** A name with its count. */
struct name {
	char text[LIMIT];
	int count : 4;
	union {
		int number;
		void (*call)(struct name *, int);
	} u;
	struct name *next;
};

typedef struct {
	struct name *first, *last;
	int size;
} store_t, *store_ref;

typedef int (*compare_fn)(const struct name *, const struct name *);

enum color { RED = 1, GREEN, BLUE };

static int hits;
extern int misses;
static const int sizes[] = { 1, 2, MAX(3, 4) };

static int compare(const struct name *a, const struct name *b);

#ifdef HAVE_FAST
static inline int fast(int n)
{
	return n << 1;
}
#else
static inline int fast(int n)
{
	return n * 2;
}
#endif

/* Adds a name. */
int store_add(store_t *store, const char *text, int count)
{
	struct name found = { .count = count, .u = { .number = 1 } };

	for (struct name *at = store->first; at != NULL; at = at->next) {
		if (compare(at, &found) == 0 && count > 0) {
			at->u.number++;
			return fast(at->count);
		} else if (count < 0) {
			goto out;
		}
	}
	switch (count) {
	case 1:
		hits++;
		break;
	default:
		while (store->size-- > LIMIT)
			printf("%s\n", text);
	}
out:
	return sizeof(struct name) + sizes[0];
}

static int compare(const struct name *a, const struct name *b)
{
	return a->count - ((store_t *)b)->size;
}
