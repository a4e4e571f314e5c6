/* SPDX-License-Identifier: MIT */
/*
 * contract_record - the flight recorder: what was called, when, and what is
 * left of it when the process is killed. Off, it is not there.
 */
#include "contract/trace.h"
#include "support/json.h"
#include "support/poke.h"
#include "support/proc.h"
#include "support/recording.h"
#include "support/world.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static struct modiso_module *module;
static uintptr_t (*service)(uintptr_t);

/* For all that is started from here on. */
static void record(const char *path)
{
	char options[128];

	snprintf(options, sizeof(options), path ? "record_path=%s" : "record=1",
		 path);
	must(!setenv("MODISO_OPTIONS", options, 1));
}

static void make_scene(void)
{
	record(RECORDING_PATH);
	module = world_module();
}

uintptr_t recorded_answer(uintptr_t value);
uintptr_t recorded_answer(uintptr_t value)
{
	return value + 1;
}

MODULE_CODE static uintptr_t ask(uintptr_t value)
{
	return service(value);
}

static const struct modiso_record_event *
event_at(const struct modiso_record_ring *ring, uint64_t n, unsigned kind)
{
	const struct modiso_record_event *event = recording_event(ring, n);

	must(event);
	must_eq(event->place & 31, kind);
	return event;
}

START_TEST(test_calls)
{
	const struct modiso_record_event *event;
	const struct modiso_record_ring *ring;
	const struct modiso_record_name *name;
	uintptr_t (*thunk)(uintptr_t);
	struct recording recording;
	uint64_t last = 0, n;

	make_scene();
	thunk = (uintptr_t(*)(uintptr_t))make_thunk(module, module_add_one);
	for (uintptr_t i = 0; i < 10; i++)
		must_eq(thunk(i), i + 1);
	recording = recording_open(getpid());
	ring = recording_ring(&recording, getpid());
	must_eq(recording_count(ring), 11);
	event = event_at(ring, 0, MODISO_RECORD_THREAD);
	must_eq(event->what, getpid());
	for (n = 1; n < 11; n++) {
		event = event_at(ring, n, MODISO_RECORD_CALL);
		must(event->begin > last && event->end > event->begin);
		last = event->end;
		name = recording_name(&recording, event->what);
		must_eq(name->kind, MODISO_RECORD_GATE);
		must_eq(name->entry, W(module_add_one));
		must_str(name->module_name, "module");
		must(name->time < event->begin);
	}
	must(recording.file->last > recording.file->first);
	must(recording.file->last_ns >= recording.file->first_ns + 1000000);
	recording_close(&recording);
}
END_TEST

MODULE_CODE static uintptr_t sum_six(uintptr_t a, uintptr_t b, uintptr_t c,
				     uintptr_t d, uintptr_t e, uintptr_t f)
{
	return a + b + c + d + e + f;
}

/* All kinds of gates, to the same end. */
START_TEST(test_gates)
{
	static const struct {
		uint32_t words, flags;
	} shapes[] = {{2, 0}, {6, 0}, {0, MODISO_GATE_SCRUB},
		      {1, MODISO_GATE_SCRUB}, {2, MODISO_GATE_SCRUB},
		      {3, MODISO_GATE_SCRUB}, {4, MODISO_GATE_SCRUB},
		      {5, MODISO_GATE_SCRUB}, {6, MODISO_GATE_SCRUB}};
	const size_t count = sizeof(shapes) / sizeof(*shapes);
	const struct modiso_record_ring *ring;
	struct recording recording;
	uintptr_t words[6] = {1, 2, 4, 8, 16, 32};

	make_scene();
	for (size_t i = 0; i < count; i++) {
		struct modiso_gate_options options = {
			.struct_size = sizeof(options),
			.word_args = shapes[i].words,
			.flags = shapes[i].flags,
		};
		uintptr_t result = 0, want = 0;
		struct modiso_gate *gate;

		expect(MODISO_OK, modiso_gate_create(module,
						     (modiso_fn)sum_six,
						     &options, &gate));
		/* modiso_gate_call() makes the others 0. */
		for (uint32_t word = 0; word < shapes[i].words; word++)
			want += words[word];
		expect(MODISO_OK, modiso_gate_call(gate, words, shapes[i].words,
						   &result));
		must_eq(result, want);
	}
	recording = recording_open(getpid());
	ring = recording_ring(&recording, getpid());
	must_eq(recording_kind(ring, MODISO_RECORD_CALL), count);
	must_eq(recording_count(ring), count + 1);
	recording_close(&recording);
}
END_TEST

START_TEST(test_services)
{
	const struct modiso_record_event *outer, *inner;
	const struct modiso_record_ring *ring;
	struct recording recording;
	struct modiso_gate *gate;

	make_scene();
	service = (uintptr_t(*)(uintptr_t))make_service("answer",
							recorded_answer);
	gate = make_gate(module, ask);
	must_eq(enter(gate, 6), 7);
	must_eq(service(8), 9); /* by the host: no event */
	recording = recording_open(getpid());
	ring = recording_ring(&recording, getpid());
	must_eq(recording_count(ring), 3);
	inner = event_at(ring, 1, MODISO_RECORD_CALL);
	outer = event_at(ring, 2, MODISO_RECORD_CALL);
	must(outer->begin < inner->begin && inner->end < outer->end);
	must_str(recording_name(&recording, inner->what)->name, "answer");
	must_eq(recording_name(&recording, inner->what)->kind,
		MODISO_RECORD_SERVICE);
	must(inner->what < 4096 && outer->what > 4096);
	recording_close(&recording);
}
END_TEST

/* The last ones are there, whole, and no others. */
START_TEST(test_round)
{
	const uint64_t calls = 3 * MODISO_RECORD_EVENTS + 100;
	const struct modiso_record_ring *ring;
	struct recording recording;
	struct modiso_gate *gate;
	uint64_t n;

	make_scene();
	gate = make_gate(module, module_add_one);
	for (n = 0; n < calls; n++)
		must_eq(enter(gate, n), n + 1);
	recording = recording_open(getpid());
	ring = recording_ring(&recording, getpid());
	must_eq(recording_count(ring), calls + 1);
	for (n = calls + 1 - MODISO_RECORD_EVENTS; n <= calls; n++)
		event_at(ring, n, MODISO_RECORD_CALL);
	must(!recording_event(ring, calls - MODISO_RECORD_EVENTS));
	recording_close(&recording);
}
END_TEST

START_TEST(test_fault)
{
	const struct modiso_record_event *fault, *ended;
	const struct modiso_record_ring *ring;
	const struct modiso_fault *last;
	struct recording recording;
	struct modiso_region *hosts;

	make_scene();
	hosts = make_region(NULL, PAGE, "hosts");
	last = enter_fault(module, make_gate(module, poke_load1),
			   W(region_bytes(hosts)));
	recording = recording_open(getpid());
	ring = recording_ring(&recording, getpid());
	must_eq(recording_count(ring), 3);
	fault = event_at(ring, 1, MODISO_RECORD_FAULT);
	must_eq(fault->what, last->number << 8 | MODISO_FAULT_ACCESS);
	must_eq(fault->end, region_bytes(hosts));
	ended = event_at(ring, 2, MODISO_RECORD_ENDED);
	must(ended->begin < fault->begin && fault->begin < ended->end);
	must_eq(ring->calls[0].gate, 0);
	recording_close(&recording);
}
END_TEST

/* What a report says of it; @path NULL: without a file it is the same. */
static void must_report(const char *path)
{
	const struct modiso_fault *fault;
	struct modiso_region *hosts;
	char *text = NULL;
	size_t size = 0;
	FILE *out;

	record(path);
	module = world_module();
	service = (uintptr_t(*)(uintptr_t))make_service("answer",
							recorded_answer);
	hosts = make_region(NULL, PAGE, "hosts");
	must_eq(enter(make_gate(module, ask), 6), 7);
	fault = enter_fault(module, make_gate(module, poke_load1),
			    W(region_bytes(hosts)));
	out = open_memstream(&text, &size);
	must(out);
	expect(MODISO_OK, modiso_fault_print(fault, out));
	must(strstr(text, "  before     gate \""));
	must(strstr(text, " of module \"module\", "));
	must(strstr(text, "\n             service \"answer\", "));
	rewind(out);
	expect(MODISO_OK, modiso_fault_print_json(fault, out));
	must(json_valid(text));
	must(strstr(text, "\"past\":[{\"before_ns\":"));
	must(strstr(text, "\"kind\":\"call\",\"of\":\"gate\",\"name\":"));
	must(strstr(text, "\"of\":\"service\",\"name\":\"answer\","));
	fclose(out);
	free(text);
}

START_TEST(test_report)
{
	struct recording recording;

	must_report(_i == 0 ? RECORDING_PATH : NULL);
	if (_i != 0)
		return;
	recording = recording_open(getpid());
	recording_close(&recording);
}
END_TEST

/* --- what is left of a process --- */

static uintptr_t die(uintptr_t value)
{
	raise((int)value);
	return 0;
}

static void killed_in_service(int signo)
{
	make_scene();
	service = (uintptr_t(*)(uintptr_t))make_service("die", die);
	enter(make_gate(module, module_add_one), 1);
	(void)!modiso_gate_call(make_gate(module, ask), WORDS((uintptr_t)signo),
			       NULL);
	_exit(1);
}

/* Killed by what no handler sees; and by what the library's handler does. */
START_TEST(test_killed)
{
	static const int signals[] = {SIGKILL, SIGSEGV};
	const struct modiso_record_call *call;
	struct recording recording;
	pid_t child = fork();
	int status;

	must(child >= 0);
	if (child == 0)
		killed_in_service(signals[_i]);
	must_eq(waitpid(child, &status, 0), child);
	must(WIFSIGNALED(status) && WTERMSIG(status) == signals[_i]);
	recording = recording_open(child);
	call = &recording_ring(&recording, child)->calls[0];
	must(call->service_begin > call->begin);
	must_str(recording_name(&recording, call->service)->name, "die");
	must_str(recording_name(&recording, call->gate)->module_name,
		 "module");
	must_eq(call[1].gate, 0);
	must_eq(recording_count(recording_ring(&recording, child)), 2);
	recording_close(&recording);
}
END_TEST

/* --- threads, forks --- */

static struct modiso_gate *shared_gate;

static void *call_ten_times(void *tid)
{
	for (uintptr_t i = 0; i < 10; i++)
		must_eq(enter(shared_gate, i), i + 1);
	*(pid_t *)tid = gettid();
	return NULL;
}

START_TEST(test_threads)
{
	struct recording recording;
	pid_t tids[4], mine;

	make_scene();
	shared_gate = make_gate(module, module_add_one);
	call_ten_times(&mine);
	for (int i = 0; i < 4; i++) {
		pthread_t threads[1];

		must(!pthread_create(threads, NULL, call_ten_times, &tids[i]));
		must(!pthread_join(threads[0], NULL));
	}
	recording = recording_open(getpid());
	must_eq(recording_kind(recording_ring(&recording, tids[3]),
			       MODISO_RECORD_CALL),
		40); /* one ring for threads that come one after the other */
	must_eq(recording_kind(recording_ring(&recording, mine),
			       MODISO_RECORD_CALL),
		10);
	recording_close(&recording);
}
END_TEST

/* The child has rings of its own, and leaves the parent's file alone. */
START_TEST(test_fork)
{
	const struct modiso_record_ring *ring;
	struct recording recording;
	struct modiso_gate *gate;
	pid_t child;
	int status;

	make_scene();
	gate = make_gate(module, module_add_one);
	must_eq(enter(gate, 1), 2);
	child = fork();
	must(child >= 0);
	if (child == 0) {
		for (uintptr_t i = 0; i < 100; i++)
			must_eq(enter(gate, i), i + 1);
		must_eq(enter(make_gate(make_module("more"), module_add_one),
			      1),
			2);
		_exit(0);
	}
	must_eq(waitpid(child, &status, 0), child);
	must_eq(status, 0);
	must_eq(enter(gate, 2), 3);
	recording = recording_open(getpid());
	ring = recording_ring(&recording, getpid());
	must_eq(recording_count(ring), 3);
	must_eq(recording_kind(ring, MODISO_RECORD_CALL), 2);
	recording_close(&recording);
}
END_TEST

/* --- closed to modules --- */

static struct modiso_gate *load, *store;

static unsigned try_mapping(const char *line)
{
	uintptr_t base, end;

	if (strstr(line, "modiso-recording") == NULL ||
	    sscanf(line, "%lx-%lx rw", &base, &end) != 2 ||
	    strstr(line, " rw-s ") == NULL)
		return 0;
	for (uintptr_t page = base; page < end; page += PAGE) {
		enter_fault(module, load, page);
		enter_fault(module, store, page, 1);
	}
	return 1;
}

START_TEST(test_closed)
{
	struct recording recording;
	unsigned found = 0;
	char line[512];
	FILE *maps;

	make_scene();
	load = make_gate(module, poke_load1);
	store = make_gate(module, poke_store1);
	must_eq(enter(make_gate(module, module_add_one), 1), 2);
	maps = fopen("/proc/self/maps", "re");
	must(maps);
	while (fgets(line, sizeof(line), maps) != NULL)
		found += try_mapping(line);
	fclose(maps);
	must(found >= 2); /* the names, and the thread's ring */
	recording = recording_open(getpid());
	recording_close(&recording);
}
END_TEST

/* --- options --- */

START_TEST(test_options)
{
	struct modiso_options options = {.struct_size = sizeof(options)};
	struct recording recording;
	char path[300];

	must(!unsetenv("MODISO_OPTIONS"));
	options.record_path = "";
	expect(MODISO_ERR_INVAL, modiso_init(&options));
	memset(path, 'x', sizeof(path));
	path[299] = '\0';
	options.record_path = path;
	expect(MODISO_ERR_INVAL, modiso_init(&options));
	options.record_path = "/no/such/directory/file";
	expect(MODISO_ERR_OS, modiso_init(&options));
	must_eq(errno, ENOENT);
	/* What somebody else has put there is not followed. */
	snprintf(path, sizeof(path), RECORDING_PATH ".%d", (int)getpid());
	must(!symlink("/tmp/modiso-elsewhere", path));
	options.record_path = RECORDING_PATH;
	expect(MODISO_ERR_OS, modiso_init(&options));
	must_eq(errno, ELOOP);
	must(!unlink(path));
	options.unused = 1;
	expect(MODISO_ERR_INVAL, modiso_init(&options));
	options.unused = 0;
	expect(MODISO_OK, modiso_init(&options));
	recording = recording_open(getpid());
	must_eq(recording.file->backend, modiso_backend_current());
	recording_close(&recording);
	expect(MODISO_OK, modiso_fini());
	must(!setenv("MODISO_OPTIONS", "record=2", 1));
	expect(MODISO_ERR_INVAL, modiso_init(NULL));
}
END_TEST

/* In memory alone: all of it works, and there is no file. */
START_TEST(test_no_file)
{
	struct modiso_options options = {
		.struct_size = sizeof(options),
		.flags = MODISO_INIT_RECORD | MODISO_INIT_SHARED,
	};
	struct modiso_gate *gate;

	record(NULL);
	module = world_module();
	gate = make_gate(module, module_add_one);
	must_eq(enter(gate, 1), 2);
	expect(MODISO_OK, modiso_module_destroy(module));
	world_stop();
	must(!unsetenv("MODISO_OPTIONS"));
	options.flags = MODISO_INIT_SHARED;
	expect(MODISO_OK, modiso_init(&options));
	options.flags |= MODISO_INIT_RECORD;
	expect(MODISO_ERR_STATE, modiso_init(&options));
	expect(MODISO_OK, modiso_fini());
}
END_TEST

/* --- what it costs --- */

#define MORE 15

static bool recorded;

static void counted_calls(void)
{
	uintptr_t (*thunk)(uintptr_t), (*asking)(uintptr_t);
	struct modiso_gate *gate;
	uintptr_t word = 1;

	if (recorded)
		record(NULL);
	module = world_module();
	service = (uintptr_t(*)(uintptr_t))make_service("answer",
							recorded_answer);
	gate = make_gate(module, sum_six);
	thunk = (uintptr_t(*)(uintptr_t))make_thunk(module, module_add_one);
	(void)enter(gate, 1);
	(void)thunk(1);
	asking = (uintptr_t(*)(uintptr_t))make_thunk(module, ask);
	(void)asking(1);
	stop_here();
	(void)thunk(1);
	stop_here();
	stop_here();
	(void)!modiso_gate_call(gate, &word, 1, NULL);
	stop_here();
	stop_here();
	(void)asking(1);
	stop_here();
}

START_TEST(test_steps)
{
	unsigned off[3], on[3];

	recorded = false;
	count_steps(counted_calls, off, 3);
	recorded = true;
	count_steps(counted_calls, on, 3);
	printf("# off, recorded: thunk %u %u, six words %u %u, with a service "
	       "%u %u\n",
	       off[0], on[0], off[1], on[1], off[2], on[2]);
	for (int i = 0; i < 3; i++) {
		must(on[i] > off[i]);
		/* The last one is a call, and one of a service. */
		must(TEST_SANITIZED ||
		     on[i] - off[i] <= (i == 2 ? 2 * MORE : MORE));
	}
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("record");
	TCase *tcase = tcase_create("contract");

	tcase_add_test(tcase, test_calls);
	tcase_add_test(tcase, test_gates);
	tcase_add_test(tcase, test_services);
	tcase_add_test(tcase, test_round);
	tcase_add_test(tcase, test_fault);
	tcase_add_loop_test(tcase, test_report, 0, 2);
	tcase_add_loop_test(tcase, test_killed, 0, 2);
	tcase_add_test(tcase, test_threads);
	tcase_add_test(tcase, test_fork);
	if (on_pkey())
		tcase_add_test(tcase, test_closed);
	tcase_add_test(tcase, test_options);
	tcase_add_test(tcase, test_no_file);
	tcase_add_test(tcase, test_steps);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
