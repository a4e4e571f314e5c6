/* SPDX-License-Identifier: MIT */
/*
 * device.h - what a device model sees of the world.
 *
 * A model is a module: two entry points that the kernel calls through gates,
 * three regions of its own, and the kernel's services behind four pointers. It
 * uses nothing else: no globals, no C library. Everything that it is told lies
 * in its own memory, in struct device_ports.
 */
#ifndef SIMULATOR_DEVICE_H
#define SIMULATOR_DEVICE_H

#include <modiso/export.h>

#include <stdbool.h>
#include <stdint.h>

#define DEVICE_NAME_SIZE  16
#define DEVICE_PARAMETERS 4
#define DEVICE_COUNTERS   4

#define COMMAND_WORDS 4
#define COMMAND_DATA  232
#define MAILBOX_SLOTS 16

/*
 * A function of its own, whose name a fault report finds in the dynamic symbol
 * table, as the simulator is linked with -rdynamic. Where libdw is installed
 * reports name all functions, and none of this is needed.
 */
#define DEVICE_NAMED __attribute__((noinline, visibility("default")))

/* What a service answers. */
#define SERVICE_DONE    0
#define SERVICE_REFUSED (-1) /* an argument that the kernel does not believe */
#define SERVICE_FULL    (-2) /* too much for one tick: try again in the next */

/*
 * The kernel's row for this device. To a model it is a handle: a pointer into
 * the kernel's tables that is handed back with every call, and never followed.
 */
struct kernel_device;

/* The kernel's services. Each is the thunk of a modiso service. */
struct device_services {
	int (MODISO_CALL *raise_irq)(struct kernel_device *self);
	int (MODISO_CALL *bus_read)(struct kernel_device *self,
				    uint32_t address, void *to,
				    uint32_t length);
	int (MODISO_CALL *bus_write)(struct kernel_device *self,
				     uint32_t address, const void *from,
				     uint32_t length);
	int (MODISO_CALL *log)(struct kernel_device *self, const char *text,
			       uint32_t length);
};

/* What a driver asks of a device. */
struct command {
	uint32_t kind; /* index into device_type.commands */
	uint32_t word[COMMAND_WORDS];
	uint32_t length; /* bytes used of data */
	uint8_t data[COMMAND_DATA];
};

/* A ring: the kernel moves head, the model moves tail. */
struct mailbox {
	uint32_t head;
	uint32_t tail;
	struct command slots[MAILBOX_SLOTS];
};

/* First in the region "state"; the model's own state follows. */
struct device_ports {
	struct device_services call;
	struct kernel_device *self;
	struct mailbox *mailbox; /* the region "mailbox" */
	uint8_t *store;          /* the region "store" */
	void *state;
	uint32_t parameter[DEVICE_PARAMETERS];
	uint64_t counter[DEVICE_COUNTERS]; /* the kernel publishes them */
};

/* Called with the time at start (0) and at each tick. Returns 0. */
typedef uintptr_t (MODISO_CALL *device_entry_fn)(struct device_ports *ports,
						 uint64_t now);

/* A number that a scenario may give; a list of them ends with name NULL. */
struct device_parameter {
	const char *name;
	uint32_t low, high;
	uint32_t initial; /* when the scenario is silent */
};

/* One command of a device; a list of them ends with name NULL. */
struct device_command {
	const char *name;
	const struct device_parameter *words;
	bool takes_text;
	/* Host side: the bytes that reach the device. NULL: the text itself. */
	uint32_t (*encode)(const uint32_t *word, uint8_t *data);
};

/* One kind of device: for the parser and the kernel, not for the model. */
struct device_type {
	const char *name;
	const char *summary;
	const struct device_parameter *parameters;
	const struct device_command *commands;
	const char *counters[DEVICE_COUNTERS];
	device_entry_fn start;
	device_entry_fn tick;
	uint32_t state_size;
	uint32_t (*store_size)(const uint32_t *parameter);
};

extern const struct device_type device_uart;
extern const struct device_type device_timer;
extern const struct device_type device_dma;
extern const struct device_type device_filter;
extern const struct device_type device_disk;

/* The model's side of its mailbox: the oldest command, or NULL. */
static inline const struct command *mailbox_peek(const struct mailbox *mailbox)
{
	if (mailbox->tail == mailbox->head)
		return 0;
	return &mailbox->slots[mailbox->tail % MAILBOX_SLOTS];
}

static inline void mailbox_drop(struct mailbox *mailbox)
{
	mailbox->tail++;
}

#endif /* SIMULATOR_DEVICE_H */
