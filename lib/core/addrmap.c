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

/* Where no range holds the address: none, the next one, the one before. */
enum side { EXACT, ABOVE, BELOW };

/*
 * One walk, which a writer may disturb. A node that is taken out meanwhile can
 * be something else by now: what was read of it is bytes until the version says
 * that it was a node then, and no pointer is followed before that. (So no
 * sanitizer is told: it would take the new owner's writes for a race.)
 */
__attribute__((noinline, no_sanitize("thread"))) static struct mdi_addrnode *
walk(uintptr_t address, enum side side, uint32_t before)
{
	struct mdi_addrnode *node = get(&own->root), *beside = NULL;

	for (int depth = 0; node != NULL && depth < DEPTH_LIMIT; depth++) {
		if (!unchanged(before))
			return NULL;
		if (address < __atomic_load_n(&node->base, __ATOMIC_ACQUIRE)) {
			if (side == ABOVE)
				beside = node;
			node = get(&node->left);
		} else if (address >=
			   __atomic_load_n(&node->end, __ATOMIC_ACQUIRE)) {
			if (side == BELOW)
				beside = node;
			node = get(&node->right);
		} else {
			return node;
		}
	}
	return beside;
}

static struct mdi_addrnode *find(uintptr_t address, enum side side)
{
	struct mdi_addrnode *node;
	uint32_t never = 0;

	for (int i = 0; i < TRIES; i++) {
		uint32_t before;

		if (i > PATIENCE)
			mdi_os_wait(&never, 0, NAP_NS);
		before = __atomic_load_n(&own->version, __ATOMIC_ACQUIRE);
		if (before & 1)
			continue;
		node = walk(address, side, before);
		/* After the walk: all of its loads are acquire loads. */
		if (unchanged(before))
			return node;
	}
	return NULL;
}

struct mdi_addrnode *mdi_addrmap_find(uintptr_t address)
{
	return find(address, EXACT);
}

struct mdi_addrnode *mdi_addrmap_find_next(uintptr_t address)
{
	return find(address, ABOVE);
}

struct mdi_addrnode *mdi_addrmap_find_last(uintptr_t address)
{
	return find(address, BELOW);
}

struct mdi_addrnode *mdi_addrmap_overlap(uintptr_t base, uintptr_t end)
{
	struct mdi_addrnode *node = find(base, ABOVE);

	return node != NULL && node->base < end ? node : NULL;
}

void mdi_addrmap_reset(void)
{
	own->root = NULL;
}
