/* SPDX-License-Identifier: MIT */
#include "core/service.h"

#include "backend/mprotect.h"
#include "base/error.h"
#include "core/arguments.h"
#include "core/entries.h"
#include "core/fault.h"
#include "core/frames.h"
#include "core/gate.h"
#include "core/permit.h"
#include "core/range.h"
#include "core/recorder.h"
#include "core/state.h"
#include "core/thread.h"
#include "core/tls.h"
#include "core/vault.h"
#include "os/critical.h"
#include "os/misuse.h"
#include "os/tracepoint.h"

#include <errno.h>
#include <string.h>

#define ALLOWED_SIZE (MDI_MODULES_MAX / 8)

static struct mdi_service_state *const own = &mdi_core_state.service;

void mdi_services_start(void)
{
	for (uint32_t i = 0; i < MDI_SERVICE_SLOTS; i++)
		mdi_arch_state.services[i] =
			(struct mdi_service_slot){ .flags = MDI_SERVICE_ASK };
	memset(own->services, 0, sizeof(own->services));
	own->count = 0;
}

size_t mdi_service_count(void)
{
	return own->count;
}

modiso_fn mdi_service_thunk(const struct modiso_service *service)
{
	const char *thunks =
		mdi_backend_now->service_thunks[mdi_recorder_is_on()];

	return (modiso_fn)(uintptr_t)(thunks +
				      service->number * MDI_THUNK_SIZE);
}

const char *mdi_service_name(uint32_t number)
{
	const struct modiso_service *service =
		own->services[number % MDI_SERVICE_SLOTS];

	return service ? service->name : "";
}

bool mdi_service_words_kept(uint32_t number)
{
	const struct modiso_service *service =
		own->services[number % MDI_SERVICE_SLOTS];

	return service != NULL && (service->listed || service->pointers != 0 ||
				   mdi_backend_now->asked);
}

uint32_t mdi_service_pointers(uint32_t number)
{
	const struct modiso_service *service =
		own->services[number % MDI_SERVICE_SLOTS];

	return service != NULL ? service->pointers : 0;
}

int mdi_service_create(const char *name, modiso_fn function,
		       const struct modiso_service_options *options,
		       struct modiso_service **out)
{
	bool listed = options->flags & MODISO_SERVICE_LISTED;
	bool real = options->flags & MODISO_SERVICE_FLOAT;
	bool variadic = options->flags & MODISO_SERVICE_VARIADIC;
	bool stacked = options->word_args > MODISO_ARGS_MAX;
	struct modiso_service *service;
	uint32_t number = 0;

	while (number < MDI_SERVICE_SLOTS && own->services[number] != NULL)
		number++;
	if (number == MDI_SERVICE_SLOTS)
		return mdi_fail(MODISO_ERR_LIMIT, "%d services exist already",
				MDI_SERVICE_SLOTS);
	service = mdi_vault_alloc(sizeof(*service));
	if (service == NULL)
		return mdi_fail_memory("service %s", name);
	service->mark = MDI_MARK_SERVICE;
	service->number = number;
	service->listed = listed;
	service->pointers = options->pointers;
	strncpy(service->name, name, sizeof(service->name) - 1);
	own->services[number] = service;
	own->count++;
	own->stacked[number] = (struct mdi_service_stacked){
		.function = function,
		.words = stacked ? options->word_args - MODISO_ARGS_MAX : 0,
		.variadic = variadic,
	};
	mdi_arch_state.services[number].function =
		stacked	 ? mdi_service_stacked_call :
		variadic ? (modiso_fn)mdi_service_variadic :
			   function;
	__atomic_store_n(&mdi_arch_state.services[number].flags,
			 (listed || options->pointers ? MDI_SERVICE_ASK : 0) |
				 (real ? MDI_SERVICE_FLOAT : 0),
			 __ATOMIC_RELEASE);
	mdi_recorder_service(service);
	MDI_PROBE2(service_create, number, service->name);
	*out = service;
	return 0;
}

static uint64_t *word_of(const struct modiso_service *service, uint32_t link,
			 uint64_t *bit)
{
	uint32_t index = mdi_link_index(link);

	*bit = (uint64_t)1 << (index % 64);
	return &service->allowed[index / 64];
}

int mdi_service_allow(struct modiso_service *service,
		      struct modiso_module *module, bool yes)
{
	uint64_t *word, bit;

	if (!service->listed)
		return mdi_fail(MODISO_ERR_INVAL,
				"service %s is open to every module: create it "
				"with MODISO_SERVICE_LISTED",
				service->name);
	if (service->allowed == NULL) {
		service->allowed = mdi_vault_alloc(ALLOWED_SIZE);
		if (service->allowed == NULL)
			return mdi_fail_memory("the list of service %s",
					       service->name);
	}
	word = word_of(service, module->domain.head.link, &bit);
	if (yes)
		*word |= bit;
	else
		*word &= ~bit;
	return 0;
}

void mdi_services_forget(const struct modiso_module *module)
{
	uint64_t *word, bit;

	for (uint32_t i = 0; i < MDI_SERVICE_SLOTS; i++) {
		if (own->services[i] == NULL ||
		    own->services[i]->allowed == NULL)
			continue;
		word = word_of(own->services[i], module->domain.head.link,
			       &bit);
		*word &= ~bit;
	}
}

void mdi_service_destroy(struct modiso_service *service)
{
	struct mdi_service_slot *slot =
		&mdi_arch_state.services[service->number];

	__atomic_store_n(&slot->flags, MDI_SERVICE_ASK, __ATOMIC_RELEASE);
	own->services[service->number] = NULL;
	own->count--;
	mdi_vault_free(service->allowed, ALLOWED_SIZE);
	MDI_PROBE2(service_destroy, service->number, service->name);
	service->mark = 0;
	mdi_vault_free(service, sizeof(*service));
}

/* --- what the assembly asks, on the host's stack with host rights --- */

static bool may_call(const struct modiso_service *service, uint32_t link)
{
	uint64_t *word, bit;

	if (service == NULL)
		return false;
	if (!service->listed)
		return true;
	if (service->allowed == NULL)
		return false;
	word = word_of(service, link, &bit);
	return *word & bit;
}

/* @sp: the module's, when it called. */
static int allowed(uint64_t number, struct mdi_thread *thread, uintptr_t sp)
{
	struct mdi_frame *frame = mdi_frame_top(thread);
	uint32_t index = number % MDI_SERVICE_SLOTS;

	if (may_call(own->services[index], frame->link))
		return 1;
	if (mdi_permit_service(thread, mdi_service_name(index), sp))
		return 1;
	mdi_fault_service(thread, mdi_service_name(index), sp);
	return 0;
}

MODISO_CALL int mdi_service_allowed(uint64_t number, struct mdi_thread *thread)
{
	return allowed(number, thread, mdi_frame_top(thread)->service_sp);
}

MODISO_CALL int mdi_plain_service_enter(uint64_t number,
					struct mdi_thread *thread,
					uintptr_t sp)
{
	struct mdi_frame *frame;

	mdi_curtain_open();
	frame = mdi_frame_top(thread);
	mdi_selectors_reload(thread);
	frame->service = (uint32_t)(number % MDI_SERVICE_SLOTS);
	/* The frame's word would say that no service runs. */
	if (sp <= MDI_INTERRUPTED) {
		mdi_fault_service(thread, mdi_service_name(frame->service), sp);
		return 0;
	}
	if (mdi_arch_state.services[frame->service].flags & MDI_SERVICE_ASK &&
	    !allowed(number, thread, sp))
		return 0;
	mdi_critical_begin();
	/* In this order: a handler may come while the thread waits. */
	mdi_frames_serve(frame, sp);
	mdi_mprotect_leave(thread);
	mdi_critical_end();
	return 1;
}

MODISO_CALL uintptr_t mdi_plain_service_leave(const struct mdi_frame *end,
					      uint64_t *real, uint64_t *scrub)
{
	struct mdi_thread *thread = mdi_thread_self();
	struct mdi_frame *frame = mdi_frames_returned_to(thread, end - 1);
	uintptr_t sp = frame->service_sp;
	int result;

	*scrub = mdi_frame_domain(frame)->scrub;
	if (*scrub & MODE_TLS)
		*scrub = (*scrub & MODE_SCRUB) |
			 mdi_tls_pointer(thread, mdi_domain_module(
						 mdi_frame_domain(frame)));
	if (*scrub & MODE_SCRUB) {
		if (!(mdi_arch_state.services[frame->service].flags &
		      MDI_SERVICE_FLOAT))
			real[0] = 0;
		real[1] = 0;
	}
	mdi_critical_begin();
	result = mdi_mprotect_enter(mdi_frame_domain(frame), thread);
	if (result == 0)
		mdi_frames_serve_end(frame);
	mdi_critical_end();
	if (result == 0)
		result = mdi_mprotect_close(mdi_frame_domain(frame));
	if (result != 0) {
		/* The way back is closed: the call ends with this code. */
		mdi_status_set(result);
		return 0;
	}
	return sp;
}

/*
 * The call of a service that has words on its caller's stack: they come from
 * where the module's stack pointer leads, if the module may read there.
 */
MODISO_CALL void *mdi_service_stacked(uint64_t *words)
{
	struct mdi_thread *thread = mdi_thread_self();
	const struct mdi_frame *frame = mdi_frame_top(thread);
	const struct mdi_service_stacked *stacked =
		&own->stacked[frame->service % MDI_SERVICE_SLOTS];
	const struct modiso_module *module =
		mdi_domain_module(mdi_frame_domain(frame));
	uintptr_t from = frame->service_sp + sizeof(*words);
	size_t length = stacked->words * sizeof(*words);
	int saved = errno;

	memset(words, 0, STACK_WORDS_SIZE);
	if (mdi_range_check(module, from, length, MODISO_READ) != 0 ||
	    mdi_range_copy(words, (const void *)from, length,
			   (const void *)from) != 0)
		mdi_fault_in_service(thread, MODISO_FAULT_ACCESS,
				     from + mdi_range_reach(module, from,
							    length,
							    MODISO_READ));
	errno = saved;
	return (void *)(uintptr_t)stacked->function;
}

static uintptr_t no_service(void)
{
	return 0;
}

/*
 * The call of a variadic one. What the module has passed on its stack is read
 * when it is asked for.
 */
MODISO_CALL uintptr_t mdi_service_variadic(uint64_t a, uint64_t b, uint64_t c,
					   uint64_t d, uint64_t e, uint64_t f,
					   double s, double t, double u,
					   double v, double w, double x,
					   double y, double z)
{
	const struct mdi_frame *frame = mdi_frame_top(mdi_thread_self());
	struct modiso_arguments arguments = {
		.module = mdi_domain_module(mdi_frame_domain(frame)),
		.words = {a, b, c, d, e, f},
		.numbers = {s, t, u, v, w, x, y, z},
		.number = MDI_WORDS_END,
		.stack = frame->service_sp + sizeof(uint64_t),
	};
	modiso_variadic_fn function =
		(modiso_variadic_fn)
			own->stacked[frame->service % MDI_SERVICE_SLOTS]
				.function;

	return function(&arguments);
}

/*
 * Host code called a service's thunk: the function itself, if there is one. Of
 * a variadic one nothing is known of what was passed.
 */
MODISO_CALL void *mdi_service_direct(uint64_t number)
{
	const struct modiso_service *service =
		own->services[number % MDI_SERVICE_SLOTS];

	return service == NULL ||
			       own->stacked[number % MDI_SERVICE_SLOTS]
				       .variadic ?
		       (void *)(uintptr_t)no_service :
		       (void *)(uintptr_t)own
			       ->stacked[number % MDI_SERVICE_SLOTS]
			       .function;
}
