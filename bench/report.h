/* SPDX-License-Identifier: MIT */
/*
 * report.h - the numbers as TSV, CSV, as a table, as JSON.
 */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include "machine.h"
#include "measure.h"

enum report_form {
	REPORT_TSV,
	REPORT_CSV,
	REPORT_TABLE,
	REPORT_HISTOGRAM, /* a table with one below each row */
	REPORT_JSON
};

void report_print(enum report_form form, const struct fact *facts,
		  unsigned fact_count, const struct plan *plan);

/* What the forms share. */
void report_json(const struct fact *facts, unsigned fact_count,
		 const struct plan *plan);
const char *report_unit(const struct plan *plan);
const char *report_failure(const struct result *result);

#endif /* BENCH_REPORT_H */
