/* SPDX-License-Identifier: MIT */
#include "core/addrmap.h"

#include "core/state.h"
#include "os/process.h"

/*
 * A writer is at work for less than a microsecond, unless the scheduler takes
 * its CPU away just then, and keeps it as long as it likes: who waits for that
 * sleeps, ten seconds at least. There is an end to it because a child of a fork
 * that a module made may have no writer any more.
 */
#define TRIES 100000
#define PATIENCE 100
#define NAP_NS 100000u
#define DEPTH_LIMIT 256

static struct mdi_addrmap_state *const own = &mdi_core_state.addrmap;

/* Heap order: a hash of the address (the finaliser of MurmurHash3). */
static uint64_t priority(const struct mdi_addrnode *node)
{
	uint64_t x = node->base >> 12;

	x = (x ^ (x >> 33)) * 0xff51afd7ed558ccdull;
	x = (x ^ (x >> 33)) * 0xc4ceb9fe1a85ec53ull;
	return x ^ (x >> 33);
}

static void set(struct mdi_addrnode **link, struct mdi_addrnode *node)
{
	__atomic_store_n(link, node, __ATOMIC_RELEASE);
}

__attribute__((no_sanitize("thread"))) static struct mdi_addrnode *
get(struct mdi_addrnode *const *link)
{
	return __atomic_load_n(link, __ATOMIC_ACQUIRE);
}

static void write_begin(void)
{
	/* Every change after it is a release store: none is seen before it. */
	__atomic_store_n(&own->version, own->version + 1, __ATOMIC_RELAXED);
}

static void write_end(void)
{
	__atomic_store_n(&own->version, own->version + 1, __ATOMIC_RELEASE);
}

/* All below @base go to *low, all above it to *high. */
static void split(struct mdi_addrnode *node, uintptr_t base,
		  struct mdi_addrnode **low, struct mdi_addrnode **high)
{
	while (node != NULL) {
		if (node->base < base) {
			set(low, node);
			low = &node->right;
			node = node->right;
		} else {
			set(high, node);
			high = &node->left;
			node = node->left;
		}
	}
	set(low, NULL);
	set(high, NULL);
}

void mdi_addrmap_insert(struct mdi_addrnode *node)
{
	struct mdi_addrnode **link = &own->root;
	uint64_t rank = priority(node);

	write_begin();
	while (*link != NULL && priority(*link) > rank)
		link = node->base < (*link)->base ? &(*link)->left :
						    &(*link)->right;
	split(*link, node->base, &node->left, &node->right);
	set(link, node);
	write_end();
}

void mdi_addrmap_remove(struct mdi_addrnode *node)
{
	struct mdi_addrnode **link = &own->root, *left, *right;

	while (*link != node) {
		if (*link == NULL)
			return;
		link = node->base < (*link)->base ? &(*link)->left :
						    &(*link)->right;
	}
	write_begin();
	left = node->left;
	right = node->right;
	while (left != NULL && right != NULL) {
		if (priority(left) > priority(right)) {
			set(link, left);
			link = &left->right;
			left = left->right;
		} else {
			set(link, right);
			link = &right->left;
			right = right->left;
		}
	}
	set(link, left != NULL ? left : right);
	write_end();
}

__attribute__((no_sanitize("thread"))) static bool
unchanged(uint32_t before)
{
	return __atomic_load_n(&own->version, __ATOMIC_RELAXED) == before;
}

/*
 * One walk, which a writer may disturb. A node that is taken out meanwhile can
 * be something else by now: what was read of it is bytes until the version says
 * that it was a node then, and no pointer is followed before that. (So no
 * sanitizer is told: it would take the new owner's writes for a race.)
 */
__attribute__((noinline, no_sanitize("thread"))) static bool
walk(uintptr_t address, uint32_t before, struct mdi_addrmap_place *place)
{
	struct mdi_addrnode *node = get(&own->root);

	*place = (struct mdi_addrmap_place){NULL, NULL, NULL};
	for (int depth = 0; node != NULL && depth < DEPTH_LIMIT; depth++) {
		if (!unchanged(before))
			return false;
		if (address < __atomic_load_n(&node->base, __ATOMIC_ACQUIRE)) {
			place->above = node;
			node = get(&node->left);
		} else if (address >=
			   __atomic_load_n(&node->end, __ATOMIC_ACQUIRE)) {
			place->below = node;
			node = get(&node->right);
		} else {
			place->at = node;
			return true;
		}
	}
	return true;
}

/* From the range itself on: the last one below it, and the first one above. */
__attribute__((noinline, no_sanitize("thread"))) static bool
walk_on(uint32_t before, struct mdi_addrmap_place *place)
{
	struct mdi_addrnode *node = get(&place->at->left);

	for (int depth = 0; node != NULL && depth < DEPTH_LIMIT; depth++) {
		if (!unchanged(before))
			return false;
		place->below = node;
		node = get(&node->right);
	}
	node = get(&place->at->right);
	for (int depth = 0; node != NULL && depth < DEPTH_LIMIT; depth++) {
		if (!unchanged(before))
			return false;
		place->above = node;
		node = get(&node->left);
	}
	return true;
}

/* Was the map left alone meanwhile? Then @place is what was found. */
static bool find_once(uintptr_t address, bool beside,
		      struct mdi_addrmap_place *place)
{
	uint32_t before = __atomic_load_n(&own->version, __ATOMIC_ACQUIRE);

	if (before & 1 || !walk(address, before, place))
		return false;
	if (!unchanged(before))
		return false;
	if (beside && place->at != NULL && !walk_on(before, place))
		return false;
	/* After the walk: all of its loads are acquire loads. */
	return unchanged(before);
}

static __attribute__((noinline)) void
find_again(uintptr_t address, bool beside, struct mdi_addrmap_place *place)
{
	uint32_t never = 0;

	for (int i = 1; i < TRIES; i++) {
		if (i > PATIENCE)
			mdi_os_wait(&never, 0, NAP_NS);
		if (find_once(address, beside, place))
			return;
	}
	*place = (struct mdi_addrmap_place){NULL, NULL, NULL};
}

static void find(uintptr_t address, bool beside,
		 struct mdi_addrmap_place *place)
{
	if (!find_once(address, beside, place))
		find_again(address, beside, place);
}

struct mdi_addrnode *mdi_addrmap_find(uintptr_t address)
{
	struct mdi_addrmap_place place;

	find(address, false, &place);
	return place.at;
}

struct mdi_addrnode *mdi_addrmap_find_next(uintptr_t address)
{
	struct mdi_addrmap_place place;

	find(address, false, &place);
	return place.at != NULL ? place.at : place.above;
}

void mdi_addrmap_find_place(uintptr_t address, struct mdi_addrmap_place *place)
{
	find(address, true, place);
}

struct mdi_addrnode *mdi_addrmap_overlap(uintptr_t base, uintptr_t end)
{
	struct mdi_addrnode *node = mdi_addrmap_find_next(base);

	return node != NULL && node->base < end ? node : NULL;
}

void mdi_addrmap_reset(void)
{
	own->root = NULL;
}
