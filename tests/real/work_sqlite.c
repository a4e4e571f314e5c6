/* SPDX-License-Identifier: MIT */
/*
 * Run a script of SQL, each statement up to a semicolon at the end of a line:
 * its rows or its error, the database that it leaves, as a file would have it,
 * and what is found wrong with it when some of its bytes are changed.
 */
#include "work.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <string.h>

#define DAMAGES 4
#define FLAGS                                                                  \
	(SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX)

struct answer {
	unsigned char *out;
	unsigned long used, room;
};

static void put(struct answer *answer, const void *bytes, unsigned long length)
{
	if (length > answer->room - answer->used)
		length = answer->room - answer->used;
	memcpy(answer->out + answer->used, bytes, length);
	answer->used += length;
}

static int stop(void *arg)
{
	(void)arg;
	return 1;
}

static void run(struct answer *answer, sqlite3 *db, const char *text,
		unsigned long length)
{
	sqlite3_stmt *statement = NULL;
	int result =
		sqlite3_prepare_v2(db, text, (int)length, &statement, NULL);

	while (result == SQLITE_OK || result == SQLITE_ROW) {
		result = sqlite3_step(statement);
		if (result != SQLITE_ROW)
			break;
		for (int i = 0; i < sqlite3_column_count(statement); i++) {
			const void *value = sqlite3_column_text(statement, i);

			put(answer, value,
			    (unsigned long)sqlite3_column_bytes(statement, i));
			put(answer, "|", 1);
		}
		put(answer, "\n", 1);
	}
	if (result != SQLITE_DONE && statement != NULL)
		put(answer, sqlite3_errmsg(db), strlen(sqlite3_errmsg(db)));
	else if (result != SQLITE_DONE)
		put(answer, "?", 1);
	sqlite3_finalize(statement);
}

static void run_all(struct answer *answer, sqlite3 *db, const char *text,
		    unsigned long length)
{
	const char *end;

	for (; length > 0; length -= (unsigned long)(end - text), text = end) {
		end = text;
		while (++end < text + length)
			if (end[0] == '\n' && end[-1] == ';')
				break;
		run(answer, db, text, (unsigned long)(end - text));
	}
}

static sqlite3 *open_one(void)
{
	sqlite3 *db = NULL;

	if (sqlite3_open_v2(":memory:", &db, FLAGS, NULL) != SQLITE_OK)
		return NULL;
	sqlite3_progress_handler(db, 5000000, stop, NULL);
	return db;
}

static void check(struct answer *answer, const unsigned char *image,
		  sqlite3_int64 size, int damage)
{
	static const char script[] = "PRAGMA integrity_check(9);\n"
				     "SELECT * FROM sqlite_schema;\n"
				     "SELECT count(*), sum(b), max(c) FROM t;\n"
				     "DELETE FROM t WHERE a % 3 = 0;\n"
				     "VACUUM;\n";
	unsigned char *copy = sqlite3_malloc64((sqlite3_uint64)size);
	sqlite3 *db = open_one();

	if (db != NULL && copy != NULL) {
		memcpy(copy, image, (size_t)size);
		copy[100 + damage * 7919 % (size - 100)] ^= 1 << damage;
		sqlite3_deserialize(db, "main", copy, size, size,
				    SQLITE_DESERIALIZE_FREEONCLOSE |
					    SQLITE_DESERIALIZE_RESIZEABLE);
		run_all(answer, db, script, sizeof(script) - 1);
	}
	sqlite3_close(db);
}

long work(const unsigned char *in, unsigned long length, unsigned char *out,
	  unsigned long room)
{
	struct answer answer = {out, 0, room};
	sqlite3 *db = open_one();
	unsigned char *image;
	sqlite3_int64 size;

	if (db == NULL)
		return -1;
	run_all(&answer, db, (const char *)in, length);
	image = sqlite3_serialize(db, "main", &size, 0);
	if (image != NULL) {
		put(&answer, image, (unsigned long)size);
		/* Of a large one none, for the time that it takes. */
		for (int i = 0; i < DAMAGES && size < 200000; i++)
			check(&answer, image, size, i);
		sqlite3_free(image);
	}
	sqlite3_close(db);
	return (long)answer.used;
}
