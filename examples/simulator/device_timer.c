/* SPDX-License-Identifier: MIT */
/*
 * device_timer.c - a periodic timer.
 *
 * Raises its interrupt each period. A driver can change the period, and can
 * hold the timer; expiries that were missed are then made up for, each with
 * its own time stamp in a ring of recent ones, the newest first.
 */
#include "device.h"
#include "text.h"

#define RECENT 16

enum { PARAMETER_PERIOD };
enum { COMMAND_PERIOD, COMMAND_HOLD };
enum { COUNT_EXPIRIES, COUNT_LATE, COUNT_CHANGES };

struct timer_state {
	uint64_t deadline;
	uint64_t held_until;
	uint64_t recent[RECENT];
	uint32_t period;
	uint32_t recorded;
};

MODISO_CALL static uintptr_t timer_start(struct device_ports *ports,
					 uint64_t now)
{
	struct timer_state *timer = ports->state;

	timer->period = ports->parameter[PARAMETER_PERIOD];
	timer->deadline = now + timer->period;
	timer->held_until = 0;
	timer->recorded = 0;
	return 0;
}

DEVICE_NAMED void timer_expire(struct device_ports *ports, uint64_t deadline,
			       uint64_t now);

/*
 * BUG, on purpose: the data sheet says that a period of 0 stops the timer. It
 * was forgotten: the next deadline is then this one again, always due, and the
 * recursion that looks for the newest never comes to an end.
 */
void timer_expire(struct device_ports *ports, uint64_t deadline, uint64_t now)
{
	struct timer_state *timer = ports->state;

	if (deadline > now) {
		timer->deadline = deadline;
		return;
	}
	timer_expire(ports, deadline + timer->period, now);
	timer->recent[timer->recorded++ % RECENT] = deadline;
	ports->counter[COUNT_EXPIRIES]++;
	if (deadline < now)
		ports->counter[COUNT_LATE]++;
}

static void obey(struct device_ports *ports, const struct command *command,
		 uint64_t now)
{
	struct timer_state *timer = ports->state;
	char buffer[64];
	struct text text = {buffer, sizeof(buffer), 0};

	if (command->kind == COMMAND_HOLD) {
		timer->held_until = now + command->word[0];
		return;
	}
	timer->period = command->word[0];
	timer->deadline = now + timer->period;
	ports->counter[COUNT_CHANGES]++;
	text_add(&text, "period is now ");
	text_add_number(&text, timer->period);
	ports->call.log(ports->self, text.bytes, text.length);
}

MODISO_CALL static uintptr_t timer_tick(struct device_ports *ports,
					uint64_t now)
{
	struct timer_state *timer = ports->state;
	const struct command *command;

	while ((command = mailbox_peek(ports->mailbox)) != 0) {
		obey(ports, command, now);
		mailbox_drop(ports->mailbox);
	}
	if (now < timer->held_until || timer->deadline > now)
		return 0;
	timer_expire(ports, timer->deadline, now);
	ports->call.raise_irq(ports->self);
	return 0;
}

static uint32_t timer_store_size(const uint32_t *parameter)
{
	(void)parameter;
	return 0;
}

static const struct device_parameter timer_parameters[] = {
	{"period", 1, 1000000, 10},
	{0, 0, 0, 0},
};

static const struct device_parameter period_words[] = {
	{"value", 0, 1000000, 10},
	{0, 0, 0, 0},
};

static const struct device_parameter hold_words[] = {
	{"ticks", 1, 100, 1},
	{0, 0, 0, 0},
};

static const struct device_command timer_commands[] = {
	[COMMAND_PERIOD] = {"period", period_words, false, 0},
	[COMMAND_HOLD] = {"hold", hold_words, false, 0},
	{0, 0, false, 0},
};

const struct device_type device_timer = {
	.name = "timer",
	.summary = "periodic interrupt",
	.parameters = timer_parameters,
	.commands = timer_commands,
	.counters = {"expiries", "late", "changes"},
	.start = timer_start,
	.tick = timer_tick,
	.state_size = sizeof(struct timer_state),
	.store_size = timer_store_size,
};
