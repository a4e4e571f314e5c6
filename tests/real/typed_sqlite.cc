/* SPDX-License-Identifier: MIT */
#include "typed.h"

#include <algorithm>
#include <cstring>
#include <vector>

namespace
{

using database = modiso::tainted<sqlite3 *>;

unsigned char *at;
std::size_t used, most;

void put(const void *bytes, std::size_t length)
{
	length = std::min(length, most - used);
	std::memcpy(at + used, bytes, length);
	used += length;
}

int stop(modiso::tainted<void *>)
{
	return 1;
}

void put_value(const typed_sandbox &box, modiso::tainted<sqlite3_stmt *> of,
	       int column)
{
	const auto text = box.call<&sqlite3_column_text>(of, column).value();
	const int size = box.call<&sqlite3_column_bytes>(of, column)
				 .value()
				 .between(0, 1 << 24)
				 .value();
	std::vector<unsigned char> copy(static_cast<std::size_t>(size));

	if (size > 0)
		box.read(text, copy.data(), copy.size()).value();
	put(copy.data(), copy.size());
	put("|", 1);
}

void run(const typed_sandbox &box, database db, const char *text,
	 std::size_t length)
{
	modiso::tainted<sqlite3_stmt *> statement;
	int result = box.call<&sqlite3_prepare_v2>(db, text, int(length),
						   &statement, nullptr)
			     .value()
			     .unverified();

	while (result == SQLITE_OK || result == SQLITE_ROW) {
		result =
			box.call<&sqlite3_step>(statement).value().unverified();
		if (result != SQLITE_ROW)
			break;
		const int count = box.call<&sqlite3_column_count>(statement)
					  .value()
					  .unverified();
		for (int i = 0; i < count; i++)
			put_value(box, statement, i);
		put("\n", 1);
	}
	if (result != SQLITE_DONE && !statement.is_null()) {
		const auto why = box.string(
			box.call<&sqlite3_errmsg>(db).value(), 1 << 20);

		put(why.value().data(), why.value().size());
	} else if (result != SQLITE_DONE) {
		put("?", 1);
	}
	box.call<&sqlite3_finalize>(statement).value();
}

void run_all(const typed_sandbox &box, database db, const char *text,
	     std::size_t length)
{
	const char *end;

	for (; length > 0; length -= std::size_t(end - text), text = end) {
		end = text;
		while (++end < text + length)
			if (end[0] == '\n' && end[-1] == ';')
				break;
		run(box, db, text, std::size_t(end - text));
	}
}

/* The callback is there for all of them. */
database open_one(const typed_sandbox &box)
{
	static const auto on_progress =
		box.make_callback<&stop>("stop").value();
	modiso::tainted<sqlite3 *> db;

	if (!box.call<&sqlite3_open_v2>(":memory:", &db,
					SQLITE_OPEN_READWRITE |
						SQLITE_OPEN_CREATE |
						SQLITE_OPEN_NOMUTEX,
					nullptr)
		     .value()
		     .between(SQLITE_OK, SQLITE_OK))
		return nullptr;
	box.call<&sqlite3_progress_handler>(db, 5000000, on_progress, nullptr)
		.value();
	return db;
}

void check(const typed_sandbox &box, std::vector<unsigned char> image,
	   int damage)
{
	static const char script[] = "PRAGMA integrity_check(9);\n"
				     "SELECT * FROM sqlite_schema;\n"
				     "SELECT count(*), sum(b), max(c) FROM t;\n"
				     "DELETE FROM t WHERE a % 3 = 0;\n"
				     "VACUUM;\n";
	const auto size = sqlite3_int64(image.size());
	const auto memory =
		box.call<&sqlite3_malloc64>(sqlite3_uint64(size)).value();
	const modiso::tainted copy(
		static_cast<unsigned char *>(memory.unverified()));
	const auto db = open_one(box);

	image[std::size_t(100 + damage * 7919 % (size - 100))] ^=
		static_cast<unsigned char>(1 << damage);
	box.write(copy, image.data(), image.size()).value();
	box.call<&sqlite3_deserialize>(db, "main", copy, size, size,
				       SQLITE_DESERIALIZE_FREEONCLOSE |
					       SQLITE_DESERIALIZE_RESIZEABLE)
		.value();
	run_all(box, db, script, sizeof(script) - 1);
	box.call<&sqlite3_close>(db).value();
}

} // namespace

long typed(const typed_sandbox &box, const unsigned char *in,
	   std::size_t length, unsigned char *out, std::size_t room)
{
	modiso::tainted<sqlite3_int64> size;
	const auto db = open_one(box);

	at = out;
	used = 0;
	most = room;
	if (db.is_null())
		return -1;
	run_all(box, db, text_of(in), length);
	const auto image =
		box.call<&sqlite3_serialize>(db, "main", &size, 0u).value();
	if (!image.is_null()) {
		std::vector<unsigned char> copy(
			std::size_t(size.between(0, 1 << 24).value()));

		box.read(image, copy.data(), copy.size()).value();
		put(copy.data(), copy.size());
		box.call<&sqlite3_free>(image).value();
		for (int i = 0; i < 4 && copy.size() < 200000; i++)
			check(box, copy, i);
	}
	box.call<&sqlite3_close>(db).value();
	return long(used);
}
