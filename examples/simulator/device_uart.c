/* SPDX-License-Identifier: MIT */
/*
 * device_uart.c - a serial port.
 *
 * Input goes into a FIFO, leaves it at the line's speed and is gathered into
 * lines. A finished line is written to memory, announced and logged.
 */
#include "device.h"
#include "text.h"

#define FIFO_SIZE 256
#define LINE_SIZE 80

enum { PARAMETER_RATE, PARAMETER_BUFFER };
enum { COUNT_BYTES, COUNT_LINES, COUNT_OVERRUNS };

struct uart_state {
	uint32_t head, tail; /* of the FIFO, free running */
	uint32_t line_length;
	uint8_t line[LINE_SIZE];
};

MODISO_CALL static uintptr_t uart_start(struct device_ports *ports,
					uint64_t now)
{
	struct uart_state *uart = ports->state;

	(void)now;
	uart->head = 0;
	uart->tail = 0;
	uart->line_length = 0;
	return 0;
}

static void receive(struct device_ports *ports, const struct command *command)
{
	struct uart_state *uart = ports->state;
	uint32_t i;

	for (i = 0; i < command->length && i < COMMAND_DATA; i++) {
		if (uart->head - uart->tail == FIFO_SIZE) {
			ports->counter[COUNT_OVERRUNS]++;
			continue;
		}
		ports->store[uart->head++ % FIFO_SIZE] = command->data[i];
	}
}

static void finish_line(struct device_ports *ports)
{
	struct uart_state *uart = ports->state;
	char buffer[LINE_SIZE + 16];
	struct text text = {buffer, sizeof(buffer), 0};

	ports->call.bus_write(ports->self, ports->parameter[PARAMETER_BUFFER],
			      uart->line, uart->line_length);
	ports->call.raise_irq(ports->self);
	text_add(&text, "received \"");
	text_add_bytes(&text, uart->line, uart->line_length);
	text_add(&text, "\"");
	ports->call.log(ports->self, text.bytes, text.length);
	ports->counter[COUNT_LINES]++;
	uart->line_length = 0;
}

MODISO_CALL static uintptr_t uart_tick(struct device_ports *ports,
				       uint64_t now)
{
	struct uart_state *uart = ports->state;
	const struct command *command;
	uint32_t budget = ports->parameter[PARAMETER_RATE];

	(void)now;
	while ((command = mailbox_peek(ports->mailbox)) != 0) {
		receive(ports, command);
		mailbox_drop(ports->mailbox);
	}
	while (budget-- > 0 && uart->tail != uart->head) {
		uint8_t byte = ports->store[uart->tail++ % FIFO_SIZE];

		ports->counter[COUNT_BYTES]++;
		if (byte != '\n')
			uart->line[uart->line_length++] = byte;
		if (byte == '\n' || uart->line_length == LINE_SIZE)
			finish_line(ports);
	}
	return 0;
}

static uint32_t uart_store_size(const uint32_t *parameter)
{
	(void)parameter;
	return FIFO_SIZE;
}

static const struct device_parameter uart_parameters[] = {
	{"rate", 1, 64, 4},
	{"buffer", 0, 0xffffffff, 0},
	{0, 0, 0, 0},
};

static const struct device_command uart_commands[] = {
	{"input", 0, true, 0},
	{0, 0, false, 0},
};

const struct device_type device_uart = {
	.name = "uart",
	.summary = "serial port: gathers input into lines",
	.parameters = uart_parameters,
	.commands = uart_commands,
	.counters = {"bytes", "lines", "overruns"},
	.start = uart_start,
	.tick = uart_tick,
	.state_size = sizeof(struct uart_state),
	.store_size = uart_store_size,
};
