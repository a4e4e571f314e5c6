/* SPDX-License-Identifier: MIT */
/*
 * device_disk.c - a block device.
 *
 * Its blocks lie in the region "store". A request waits for the head to get
 * there, one request at a time, and moves one block between store and memory.
 */
#include "device.h"
#include "text.h"

#define BLOCK_SIZE 512

enum { PARAMETER_BLOCKS, PARAMETER_LATENCY };
enum { COMMAND_READ, COMMAND_WRITE, COMMAND_KICK };
enum { COUNT_READS, COUNT_WRITES, COUNT_FLUSHES, COUNT_ERRORS };

struct disk_state {
	uint64_t ready_at;
	uint32_t busy;
	uint32_t kind;
	uint32_t block;
	uint32_t address;
};

MODISO_CALL static uintptr_t disk_start(struct device_ports *ports,
					uint64_t now)
{
	struct disk_state *disk = ports->state;

	disk->ready_at = now;
	disk->busy = 0;
	return 0;
}

static void fail(struct device_ports *ports, const char *what, uint32_t block)
{
	char buffer[64];
	struct text text = {buffer, sizeof(buffer), 0};

	ports->counter[COUNT_ERRORS]++;
	text_add(&text, what);
	text_add(&text, ", block ");
	text_add_number(&text, block);
	ports->call.log(ports->self, text.bytes, text.length);
}

/*
 * BUG, on purpose: the blocks are 0 to blocks - 1, and blocks passes the
 * check. The address that the kernel is then asked to copy to lies behind the
 * store, in memory that is not this device's.
 */
static int transfer(struct device_ports *ports)
{
	struct disk_state *disk = ports->state;
	uint8_t *bytes = ports->store + (uint64_t)disk->block * BLOCK_SIZE;

	if (disk->block > ports->parameter[PARAMETER_BLOCKS]) {
		fail(ports, "no such block", disk->block);
		return SERVICE_DONE;
	}
	if (disk->kind == COMMAND_READ)
		return ports->call.bus_write(ports->self, disk->address, bytes,
					     BLOCK_SIZE);
	return ports->call.bus_read(ports->self, disk->address, bytes,
				    BLOCK_SIZE);
}

static void complete(struct device_ports *ports)
{
	struct disk_state *disk = ports->state;
	int rc = transfer(ports);

	if (rc == SERVICE_FULL)
		return;
	if (rc == SERVICE_REFUSED)
		fail(ports, "transfer refused", disk->block);
	else
		ports->counter[disk->kind == COMMAND_READ ? COUNT_READS
							  : COUNT_WRITES]++;
	disk->busy = 0;
	ports->call.raise_irq(ports->self);
}

static void begin(struct device_ports *ports, const struct command *command,
		  uint64_t now)
{
	struct disk_state *disk = ports->state;

	if (command->kind == COMMAND_KICK) {
		ports->counter[COUNT_FLUSHES]++;
		return;
	}
	disk->kind = command->kind;
	disk->block = command->word[0];
	disk->address = command->word[1];
	disk->ready_at = now + ports->parameter[PARAMETER_LATENCY];
	disk->busy = 1;
}

MODISO_CALL static uintptr_t disk_tick(struct device_ports *ports,
				       uint64_t now)
{
	struct disk_state *disk = ports->state;
	const struct command *command;

	if (disk->busy && now >= disk->ready_at)
		complete(ports);
	while (!disk->busy && (command = mailbox_peek(ports->mailbox)) != 0) {
		begin(ports, command, now);
		mailbox_drop(ports->mailbox);
	}
	return 0;
}

static uint32_t disk_store_size(const uint32_t *parameter)
{
	return parameter[PARAMETER_BLOCKS] * BLOCK_SIZE;
}

static const struct device_parameter disk_parameters[] = {
	{"blocks", 1, 1024, 64},
	{"latency", 0, 1000, 3},
	{0, 0, 0, 0},
};

static const struct device_parameter transfer_words[] = {
	{"block", 0, 65535, 0},
	{"address", 0, 0xffffffff, 0},
	{0, 0, 0, 0},
};

static const struct device_command disk_commands[] = {
	[COMMAND_READ] = {"read", transfer_words, false, 0},
	[COMMAND_WRITE] = {"write", transfer_words, false, 0},
	[COMMAND_KICK] = {"kick", 0, false, 0},
	{0, 0, false, 0},
};

const struct device_type device_disk = {
	.name = "disk",
	.summary = "block device, 512 bytes a block",
	.parameters = disk_parameters,
	.commands = disk_commands,
	.counters = {"reads", "writes", "flushes", "errors"},
	.start = disk_start,
	.tick = disk_tick,
	.state_size = sizeof(struct disk_state),
	.store_size = disk_store_size,
};
