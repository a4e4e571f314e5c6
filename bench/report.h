/* SPDX-License-Identifier: MIT */
/*
 * report.h - the numbers as TSV, as a table, as JSON.
 */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include "machine.h"
#include "measure.h"

enum report_form { REPORT_TSV, REPORT_TABLE, REPORT_JSON };

void report_print(enum report_form form, const struct fact *facts,
		  unsigned fact_count, const struct plan *plan);

#endif /* BENCH_REPORT_H */
