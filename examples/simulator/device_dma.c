/* SPDX-License-Identifier: MIT */
/*
 * device_dma.c - a DMA engine with four channels.
 *
 * Each channel moves one burst a tick, by way of a bounce buffer of its own.
 * "fill" puts a pattern into the bounce buffer once and writes it out burst by
 * burst; "kick" repeats the last job of channel 0.
 */
#include "device.h"
#include "text.h"

#define DMA_CHANNELS 4
#define BOUNCE_SIZE  256

enum { PARAMETER_BURST };
enum { COMMAND_COPY, COMMAND_FILL, COMMAND_KICK };
enum { COUNT_JOBS, COUNT_BYTES, COUNT_REJECTED, COUNT_ERRORS };

struct dma_channel {
	uint8_t *bounce;
	uint32_t from;
	uint32_t to;
	uint32_t left; /* bytes; 0: idle */
	uint32_t fills;
};

struct dma_state {
	struct dma_channel channel[DMA_CHANNELS];
	struct kernel_device *self;
	uint32_t burst;
	uint32_t reserved[3];
	struct command last;
};

MODISO_CALL static uintptr_t dma_start(struct device_ports *ports,
				       uint64_t now)
{
	struct dma_state *dma = ports->state;
	uint32_t i;

	(void)now;
	for (i = 0; i < DMA_CHANNELS; i++) {
		dma->channel[i].bounce = ports->store + i * BOUNCE_SIZE;
		dma->channel[i].left = 0;
	}
	dma->self = ports->self;
	dma->burst = ports->parameter[PARAMETER_BURST];
	dma->last.word[3] = 0;
	return 0;
}

/*
 * BUG, on purpose: the channels are 0 to 3, and 4 passes the check. What
 * follows the last channel in struct dma_state is then taken for a channel,
 * and the kernel's handle for the address of its bounce buffer: a fill of
 * channel 4 writes into the kernel's device table.
 */
static struct dma_channel *find_channel(struct dma_channel *table,
					uint32_t number)
{
	if (number > DMA_CHANNELS)
		return 0;
	return table + number;
}

DEVICE_NAMED void dma_fill(struct dma_channel *channel, uint32_t value,
			   uint32_t burst);
void dma_fill(struct dma_channel *channel, uint32_t value, uint32_t burst)
{
	uint32_t i;

	channel->fills = 1;
	for (i = 0; i < burst; i++)
		channel->bounce[i] = (uint8_t)value;
}

static void obey(struct device_ports *ports, const struct command *command)
{
	struct dma_state *dma = ports->state;
	struct dma_channel *channel;
	uint32_t burst = dma->burst;

	if (command->kind == COMMAND_KICK) {
		if (dma->last.word[3] == 0)
			return;
		command = &dma->last;
	}
	channel = find_channel(dma->channel, command->word[0]);
	if (channel == 0 || command->word[3] == 0) {
		ports->counter[COUNT_REJECTED]++;
		return;
	}
	channel->to = command->word[2];
	channel->left = command->word[3];
	channel->fills = 0;
	if (command->kind == COMMAND_FILL)
		dma_fill(channel, command->word[1], burst);
	else
		channel->from = command->word[1];
	if (command->word[0] == 0)
		dma->last = *command;
	ports->counter[COUNT_JOBS]++;
}

static void finish(struct device_ports *ports, uint32_t number, bool failed)
{
	struct dma_state *dma = ports->state;
	char buffer[64];
	struct text text = {buffer, sizeof(buffer), 0};

	dma->channel[number].left = 0;
	ports->call.raise_irq(ports->self);
	if (!failed)
		return;
	ports->counter[COUNT_ERRORS]++;
	text_add(&text, "bus error on channel ");
	text_add_number(&text, number);
	ports->call.log(ports->self, text.bytes, text.length);
}

static void move_burst(struct device_ports *ports, uint32_t number)
{
	struct dma_state *dma = ports->state;
	struct dma_channel *channel = &dma->channel[number];
	uint32_t size = channel->left < dma->burst ? channel->left : dma->burst;
	int rc = SERVICE_DONE;

	if (!channel->fills)
		rc = ports->call.bus_read(ports->self, channel->from,
					  channel->bounce, size);
	if (rc == SERVICE_DONE)
		rc = ports->call.bus_write(ports->self, channel->to,
					   channel->bounce, size);
	if (rc == SERVICE_FULL)
		return;
	if (rc == SERVICE_DONE) {
		channel->from += size;
		channel->to += size;
		channel->left -= size;
		ports->counter[COUNT_BYTES] += size;
	}
	if (rc != SERVICE_DONE || channel->left == 0)
		finish(ports, number, rc != SERVICE_DONE);
}

MODISO_CALL static uintptr_t dma_tick(struct device_ports *ports,
				      uint64_t now)
{
	struct dma_state *dma = ports->state;
	const struct command *command;
	uint32_t i;

	(void)now;
	while ((command = mailbox_peek(ports->mailbox)) != 0) {
		obey(ports, command);
		mailbox_drop(ports->mailbox);
	}
	for (i = 0; i < DMA_CHANNELS; i++)
		if (dma->channel[i].left != 0)
			move_burst(ports, i);
	return 0;
}

static uint32_t dma_store_size(const uint32_t *parameter)
{
	(void)parameter;
	return DMA_CHANNELS * BOUNCE_SIZE;
}

static const struct device_parameter dma_parameters[] = {
	{"burst", 1, BOUNCE_SIZE, 64},
	{0, 0, 0, 0},
};

/* Registers take any number: the device itself says which are good. */
static const struct device_parameter copy_words[] = {
	{"channel", 0, 255, 0},
	{"from", 0, 0xffffffff, 0},
	{"to", 0, 0xffffffff, 0},
	{"length", 0, 65536, 64},
	{0, 0, 0, 0},
};

static const struct device_parameter fill_words[] = {
	{"channel", 0, 255, 0},
	{"value", 0, 255, 0},
	{"to", 0, 0xffffffff, 0},
	{"length", 0, 65536, 64},
	{0, 0, 0, 0},
};

static const struct device_command dma_commands[] = {
	[COMMAND_COPY] = {"copy", copy_words, false, 0},
	[COMMAND_FILL] = {"fill", fill_words, false, 0},
	[COMMAND_KICK] = {"kick", 0, false, 0},
	{0, 0, false, 0},
};

const struct device_type device_dma = {
	.name = "dma",
	.summary = "copies and fills memory, four channels",
	.parameters = dma_parameters,
	.commands = dma_commands,
	.counters = {"jobs", "bytes", "rejected", "errors"},
	.start = dma_start,
	.tick = dma_tick,
	.state_size = sizeof(struct dma_state),
	.store_size = dma_store_size,
};
