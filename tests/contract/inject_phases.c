/* SPDX-License-Identifier: MIT */
#include "contract/inject_phases.h"
#include "contract/inject_acts.h"
#include "contract/inject_scene.h"
#include "support/poke.h"
#include "support/proc.h"
#include "support/world.h"

#include <string.h>

static void made_as_before(void)
{
	must(all_bytes(region_bytes(made), 0x33, 2 * PAGE));
	region_bytes(made)[0] = 0x33;
	enter(store, W(region_bytes(made)), 0x33);
	closed();
}

static void confined_ends(void)
{
	closed();
	expect(MODISO_OK, modiso_module_destroy(confined));
	confined = NULL;
}

static void not_granted(void)
{
	must_blame(enter_fault(other, others_store, W(region_bytes(made)), 1),
		   MODISO_WRITE, region_bytes(made), made);
	must_blame(enter_fault(other, make_gate(other, poke_load1),
			       W(region_bytes(made))),
		   MODISO_READ, region_bytes(made), made);
	made_as_before();
}

static void granted_to_read(void)
{
	must_blame(enter_fault(other, others_store, W(region_bytes(made)), 1),
		   MODISO_WRITE, region_bytes(made), made);
	must_eq(enter(make_gate(other, poke_load1), W(region_bytes(made))),
		0x33);
	made_as_before();
}

static void grant_works(void)
{
	granted_to_read();
	expect(MODISO_OK, act_revoke());
	not_granted();
}

static void more_works(void)
{
	enter(others_store, W(region_bytes(made)), 0x34);
	must_eq(region_bytes(made)[0], 0x34);
	region_bytes(made)[0] = 0x33;
	made_as_before();
	expect(MODISO_OK, act_revoke());
	not_granted();
}

static void adopted_as_before(void)
{
	must(lent[PAGE] == 0x44 && lent[2 * PAGE] == 0x44);
	lent[PAGE] = lent[2 * PAGE] = 0x44;
	closed();
}

static void not_adopted(void)
{
	/* Ordinary memory, for everybody. */
	must(all_bytes(lent, 0x44, 4 * PAGE));
	memset(lent, 0x44, 4 * PAGE);
	enter(store, W(lent) + PAGE, 0x44);
	enter(store, W(lent) + 2 * PAGE, 0x44);
}

/* With one key for modules, where no more could be had. */
static void init_works(void)
{
	module = make_module("module");
	own = make_region(module, PAGE, "own");
	hosts = make_region(NULL, PAGE, "hosts");
	store = make_gate(module, poke_store1);
	enter(store, W(region_bytes(own)), 0x55);
	must_eq(region_bytes(own)[0], 0x55);
	refused(hosts, region_bytes(hosts));
}

static void module_works(void)
{
	struct modiso_region *region = make_region(module, PAGE, "region");

	enter(make_gate(module, poke_store1), W(region_bytes(region)), 1);
	must_eq(region_bytes(region)[0], 1);
}

static void region_works(void)
{
	must_eq(enter(make_gate(module, poke_load1), W(region_bytes(made))), 0);
	must_eq(region_bytes(made)[0], 0);
}

static void host_region_works(void)
{
	must_eq(region_bytes(made)[0], 0);
	refused(made, region_bytes(made));
	expect(MODISO_OK, modiso_region_destroy(made));
	closed();
}

static void adopted_is_read_only(void)
{
	must_blame(enter_fault(other, make_gate(other, poke_store1),
			       W(lent) + 2 * PAGE, 0),
		   MODISO_WRITE, lent + 2 * PAGE, adopted);
	closed();
}

static void image_works(void)
{
	struct modiso_gate *gate = NULL;

	expect(MODISO_OK, modiso_image_gate(image, "call", NULL, &gate));
	must_eq(enter(gate, 1), 2);
	expect(MODISO_OK, modiso_gate_destroy(gate));
	closed();
}

static void module_is_gone(void)
{
	enter(store, W(region_bytes(own)), 0x55);
	refused(hosts, region_bytes(hosts));
	must(all_bytes(lent, 0x44, 4 * PAGE));
	memset(lent, 0x44, 4 * PAGE);
}

/* What was adopted may have been given back before. */
static void module_is_there(void)
{
	struct modiso_region_info info = {.struct_size = sizeof(info)};

	if (modiso_region_find(lent + PAGE, &info) == MODISO_ERR_NOENT)
		adopted = NULL;
	closed();
	expect(MODISO_OK, modiso_image_symbol(image, "words", &(void *){NULL}));
}

const struct phase phases[] = {
	{"init", NULL, act_init, init_works, NULL, OS | NOMEM | NOKEY | NOTSUP,
	 10, 40},
	{"fini", world_start, act_fini, NULL, NULL, OS, 5, 7},
	{"module create", world_start, act_module_create, module_works, NULL,
	 OS | NOMEM, 3, 3},
	{"first confined module", entered_scene, act_confine, confined_ends,
	 closed, OS | NOMEM, 3, 3},
	{"first region", only_module, act_region_first, region_works, NULL,
	 OS | NOMEM, 4, 4},
	{"host region", entered_scene, act_region_host, host_region_works,
	 closed, OS | NOMEM, 4, 4},
	{"region without dump", entered_scene, act_region_nodump, region_works,
	 closed, OS | NOMEM, 5, 5},
	{"shared region", with_file, act_shared, region_works, closed,
	 OS | NOMEM, 5, 5},
	{"adopt", before_adopt, adopt, closed, not_adopted, OS | NOMEM, 4, 4},
	{"seal", with_made, act_seal, closed, made_as_before, OS | NOMEM, 2, 2},
	{"protect adopted", entered_scene, act_protect_adopted,
	 adopted_is_read_only, adopted_as_before, OS | NOMEM, 2, 2},
	{"grant", with_made, act_grant, grant_works, not_granted, OS | NOMEM, 4,
	 4},
	{"grant more", with_grant, act_more, more_works, granted_to_read,
	 OS | NOMEM, 4, 4},
	{"revoke", with_grant, act_revoke, not_granted, granted_to_read,
	 OS | NOMEM, 2, 2},
	{"region destroy", with_made, act_region_destroy, closed,
	 made_as_before, OS | NOMEM, 2, 2},
	{"release", entered_scene, act_release, not_adopted, adopted_as_before,
	 OS | NOMEM, 2, 2},
	{"module destroy", with_everything, act_module_destroy, module_is_gone,
	 module_is_there, OS | NOMEM, 3, 3},
	{"gate", entered_scene, act_gate, closed, closed, NOMEM, 1, 1},
	{"service", entered_scene, act_service, closed, closed, NOMEM, 2, 2},
	{"attach", scene, act_attach, closed, NULL, OS | NOMEM, 8, 11},
	{"detach", entered_scene, act_detach, closed, NULL, 0, 1, 1},
	{"first enter", scene, act_enter, closed, NULL, OS | NOMEM, 14, 16},
	{"enter", entered_scene, act_enter, closed, closed, OS, 2, NONE},
	{"enter after another", other_was_last, act_enter, closed, closed, OS,
	 4, NONE},
	{"enter two ranges", entered_scene, act_enter_other, closed, closed, OS,
	 4, NONE},
	{"nested enter", with_nest, act_nest, nest_works, closed, OS | NOMEM, 6,
	 6},
	{"enter with many sets", crowded_scene, act_enter, crowd_works,
	 crowd_as_before, OS, 4, 8},
	{"leave", with_leaver, act_leave, closed, NULL, 0, 1, NONE},
	{"fault", with_leaver, act_fault, closed, NULL, 0, 1, NONE},
	{"service call", with_leaver, act_call_service, closed, closed, OS, 2,
	 NONE},
	{"enter with a window", with_window, act_enter, window_closes,
	 window_is_open, OS, 4, NONE},
	{"leave with a window", with_leaver_and_window, act_leave,
	 window_closes, NULL, 0, 1, NONE},
	{"snapshot", entered_scene, act_snapshot, closed, closed, OS | NOMEM, 6,
	 6},
	{"restore", with_snapshot, act_restore, closed, closed, OS | NOMEM, 1,
	 1},
	{"window", other_was_last, act_window, closed, closed, OS, 2, NONE},
	{"image load", entered_scene, act_load, image_works, closed, OS | NOMEM,
	 12, 12},
	{"image unload", with_image, act_unload, closed, closed, OS | NOMEM, 4,
	 4},
};

const int phase_count = (int)(sizeof(phases) / sizeof(*phases));
