/* SPDX-License-Identifier: MIT */
/*
 * core/report.h - a fault for people and for programs: what the forms of it
 * (report.c, report_json.c, report_sarif.c) have in common.
 */
#ifndef MDI_CORE_REPORT_H
#define MDI_CORE_REPORT_H

#include <modiso/fault.h>

#include "base/common.h"
#include "core/host_frames.h"

/* Function + offset, and file + offset; an empty name: not known. */
struct mdi_report_place {
	char file[256]; /* as it is called */
	uintptr_t file_offset;
	char path[256]; /* as it can be opened */
	uintptr_t bias; /* an address at run time less the one as linked */
	char function[128];
	uintptr_t function_offset;
	char source[256];
	unsigned line; /* 0: it and the source are not known */
	bool own;      /* the library's code */
	bool system;   /* that of the C library, or of a compiler's */
	bool left_out; /* of the module, by the loader: MODISO_IMAGE_HEADERS */
	size_t function_length; /* 0: not known */
};

/* A frame: the instruction of a fault, or what is behind a call. */
struct mdi_report_frame {
	uintptr_t pc;
	unsigned behind; /* 1: pc is a return address */
	struct mdi_report_place place; /* offsets are those of pc */
	/* Of which of the fault's calls it is where the service, or the gate,
	   was called; NULL: of none. */
	const struct modiso_fault_call *served, *entered;
};

#define MDI_REPORT_FRAMES (MODISO_FAULT_FRAMES + 1)

/* A fault with all that is looked up for it: see mdi_report_begin(). */
struct mdi_report {
	struct modiso_fault fault;
	/* The module's, without the library's own on top. */
	struct mdi_report_frame module[MDI_REPORT_FRAMES];
	unsigned module_count;
	/*
	 * The host's, without the library's own and the C library's start; and
	 * those of modules whose services these are.
	 */
	struct mdi_report_frame host[MDI_HOST_FRAMES + 2 * MODISO_FAULT_CALLS];
	unsigned host_count;
	bool host_all; /* false: the callers of the first one are missing */
	/* The one of module[] that the mistake is in; NULL: none is known. */
	const struct mdi_report_frame *culprit;
	uint64_t key; /* the same for the same mistake, from run to run */
	char assembly[160]; /* the instruction in words; "": not known */
	char memory[512]; /* what holds the address, if no region does */
};

/*
 * From a caller's record, of an older or a newer version. 0; or
 * MODISO_ERR_INVAL: it is none, or there is no stream; or _NOMEM. To be ended
 * with mdi_report_end(), which takes the stream's errors into account.
 */
int mdi_report_begin(const struct modiso_fault *fault, const FILE *stream,
		     struct mdi_report **out);
int mdi_report_end(struct mdi_report *report, FILE *stream, int saved_errno);

struct mdi_lines;

/* The part of it that says where: of report->fault, the rest being zero. */
void mdi_report_place_it(struct mdi_report *report, struct mdi_lines *lines);

/* If the environment asks for it, and where it says: report_log.c. */
void mdi_report_log(const struct modiso_fault *fault);
/* Where those go, something else. */
void mdi_report_log_text(const char *text);

/* The column that a line's text begins in, and how it goes on. */
#define MDI_REPORT_MORE "\n             "

/* "  address    0x..., in no region: ...": report_address.c */
void mdi_report_address(const struct mdi_report *report, FILE *out);

/* --- SARIF: report_sarif.c --- */

/* One place for all accesses that were let pass there. */
struct mdi_report_site {
	const struct mdi_report_place *at;
	uintptr_t pc;
	const char *text;
	uint32_t kind; /* enum modiso_fault_kind */
	uint64_t key, count;
};

/* A log begins and ends; between the two results, with commas. @rules: "", or a
   member of the driver with a comma in front. */
void mdi_report_sarif_begin(const char *rules, FILE *out);
void mdi_report_sarif_end(FILE *out);
void mdi_report_sarif_site(const struct mdi_report_site *site, FILE *out);

/* --- words: report_words.c --- */

/* A system call with its arguments: "openat (257 of x86-64): (0x1, ...)". */
void mdi_call_print(uint32_t arch, uint32_t number, const uintptr_t args[6],
		    FILE *out);
/* How many words there are of what a service was called with. */
static inline unsigned mdi_report_words(const struct modiso_fault *fault)
{
	const unsigned most = MDI_COUNT(fault->syscall_args);

	return fault->service_words < most ? fault->service_words : most;
}

/* What happened, without "module so-and-so". */
void mdi_report_verdict(const struct modiso_fault *fault, FILE *out);
/* What usually helps; NULL: nothing is usual. */
const char *mdi_report_hint(const struct modiso_fault *fault);
/* Why the module's stack was not followed to the gate; NULL: it was. */
const char *mdi_report_frames_end(uint32_t end);
const char *mdi_report_access_name(uint32_t access);
/* Whose key that is, while the library runs; "": not known. */
const char *mdi_report_key_role(int32_t key);

/*
 * A name, which may hold anything: no line, no quotation mark and no escape
 * sequence of a terminal gets out of it.
 */
void mdi_report_name(const char *name, FILE *out);
void mdi_report_quoted(const char *name, FILE *out);
/* "module "disk"", "the host" */
void mdi_report_owner(uint64_t id, const char *name, FILE *out);

/* --- places: report_place.c --- */

void mdi_report_find(struct mdi_lines *lines, uintptr_t pc,
		     struct mdi_report_place *place);
/* Of memory in no region: "the heap", "counters + 8 of /usr/bin/program"... */
void mdi_report_memory(struct mdi_lines *lines, uintptr_t address, char *text,
		       size_t size);

#endif /* MDI_CORE_REPORT_H */
