/* SPDX-License-Identifier: MIT */
#include "histogram.h"

#include <math.h>

unsigned histogram_make(const struct result *result,
			struct bucket buckets[BUCKETS])
{
	unsigned count = result->most > result->least ? BUCKETS : 1, i, k = 0;

	for (i = 0; i < count; i++) {
		buckets[i].most = result->least *
				  pow(result->most / result->least,
				      (double)(i + 1) / count);
		buckets[i].count = 0;
	}
	/* Powers are not exact, and every sample is in one of them. */
	buckets[count - 1].most = result->most;
	for (i = 0; i < result->count; i++) {
		while (result->samples[i] > buckets[k].most && k + 1 < count)
			k++;
		buckets[k].count++;
	}
	return count;
}
