/* SPDX-License-Identifier: MIT */
/*
 * device_filter.c - a packet filter.
 *
 * A packet is a header of six bytes and a payload:
 *
 *   0  version, 1
 *   1  protocol
 *   2  length of the whole packet, most significant byte first
 *   4  port, most significant byte first
 *
 * Packets to the blocked port are dropped; the others are put into a ring of
 * slots in memory and announced.
 */
#include "device.h"
#include "text.h"

#define HEADER_SIZE  6
#define SCRATCH_SIZE 256
#define SLOT_SIZE    256
#define SLOTS        8

enum { PARAMETER_BLOCK, PARAMETER_RING };
enum { COUNT_PASSED, COUNT_DROPPED, COUNT_MALFORMED, COUNT_BYTES };

struct filter_state {
	uint32_t next_slot;
	uint32_t sum; /* over the payloads that passed */
};

MODISO_CALL static uintptr_t filter_start(struct device_ports *ports,
					  uint64_t now)
{
	struct filter_state *filter = ports->state;

	(void)now;
	filter->next_slot = 0;
	filter->sum = 0;
	return 0;
}

static uint32_t big_endian(const uint8_t *bytes)
{
	return (uint32_t)bytes[0] << 8 | bytes[1];
}

DEVICE_NAMED uint32_t filter_unpack(uint8_t *scratch, const uint8_t *packet);

/*
 * BUG, on purpose: believes the length in the header. It is never compared
 * with how many bytes have come, nor with the size of the scratch buffer.
 */
uint32_t filter_unpack(uint8_t *scratch, const uint8_t *packet)
{
	uint32_t length = big_endian(packet + 2);
	uint32_t i;

	for (i = 0; i < length; i++)
		scratch[i] = packet[i];
	return length;
}

static void pass(struct device_ports *ports, uint32_t length)
{
	struct filter_state *filter = ports->state;
	uint32_t slot = filter->next_slot++ % SLOTS;
	uint32_t i;

	for (i = HEADER_SIZE; i < length; i++)
		filter->sum = filter->sum * 31 + ports->store[i];
	if (ports->call.bus_write(ports->self,
				  ports->parameter[PARAMETER_RING] +
					  slot * SLOT_SIZE,
				  ports->store, length) != SERVICE_DONE)
		return;
	ports->counter[COUNT_PASSED]++;
	ports->counter[COUNT_BYTES] += length;
	ports->call.raise_irq(ports->self);
}

static void inspect(struct device_ports *ports, const struct command *command)
{
	static const char complaint[] = "malformed packet";
	uint32_t length;

	if (command->length < HEADER_SIZE || command->data[0] != 1) {
		ports->counter[COUNT_MALFORMED]++;
		ports->call.log(ports->self, complaint, sizeof(complaint) - 1);
		return;
	}
	length = filter_unpack(ports->store, command->data);
	if (big_endian(ports->store + 4) == ports->parameter[PARAMETER_BLOCK]) {
		ports->counter[COUNT_DROPPED]++;
		return;
	}
	pass(ports, length);
}

MODISO_CALL static uintptr_t filter_tick(struct device_ports *ports,
					 uint64_t now)
{
	const struct command *command;

	(void)now;
	while ((command = mailbox_peek(ports->mailbox)) != 0) {
		inspect(ports, command);
		mailbox_drop(ports->mailbox);
	}
	return 0;
}

static uint32_t filter_store_size(const uint32_t *parameter)
{
	(void)parameter;
	return SCRATCH_SIZE;
}

/* The network's side, host code: the bytes that a packet consists of. */
static uint32_t encode_packet(const uint32_t *word, uint8_t *data)
{
	uint32_t port = word[0];
	uint32_t length = word[1];
	uint32_t claims = word[2] != 0 ? word[2] : length;
	uint32_t i;

	data[0] = 1;
	data[1] = (uint8_t)word[3];
	data[2] = (uint8_t)(claims >> 8);
	data[3] = (uint8_t)claims;
	data[4] = (uint8_t)(port >> 8);
	data[5] = (uint8_t)port;
	for (i = HEADER_SIZE; i < length; i++)
		data[i] = (uint8_t)(port + i);
	return length;
}

static const struct device_parameter filter_parameters[] = {
	{"block", 0, 65535, 23},
	{"ring", 0, 0xffffffff, 0},
	{0, 0, 0, 0},
};

static const struct device_parameter packet_words[] = {
	{"port", 0, 65535, 80},
	{"length", HEADER_SIZE, COMMAND_DATA, 60},
	{"claims", 0, 65535, 0},
	{"protocol", 0, 255, 6},
	{0, 0, 0, 0},
};

static const struct device_command filter_commands[] = {
	{"packet", packet_words, false, encode_packet},
	{0, 0, false, 0},
};

const struct device_type device_filter = {
	.name = "filter",
	.summary = "packet filter: drops one port, passes the rest",
	.parameters = filter_parameters,
	.commands = filter_commands,
	.counters = {"passed", "dropped", "malformed", "bytes"},
	.start = filter_start,
	.tick = filter_tick,
	.state_size = sizeof(struct filter_state),
	.store_size = filter_store_size,
};
