# SPDX-License-Identifier: MIT
#
# mkman3.awk - one public header in, one man page out.
#
#   awk -v version=0.1.0 -v example=FILE -v list=FILE -f mkman3.awk HEADER >PAGE
#
# Writes the page on standard output and, to the file "list", the names of the
# functions that it describes, the one that gives the page its name first.
#
# What a header comment may look like is in doc/STYLE. A block that begins with
# "name - summary" belongs to the declarations after it; any other block
# belongs to the types or macros after it. What is not understood is an error:
# a page with a hole in it is worse than a build that stops.

function die(text) {
	print FILENAME ":" FNR ": " text >"/dev/stderr"
	failed = 1
	exit 1
}

## ---------------------------------------------------------------------------
## Text for troff
## ---------------------------------------------------------------------------

function escape(s) {
	gsub(/\\/, "\\e", s)
	gsub(/\^/, "\\(ha", s)
	gsub(/~/, "\\(ti", s)
	gsub(/`/, "\\(ga", s)
	return s
}

# A line that begins with a control character is no request.
function guard(s) {
	return s ~ /^[.']/ ? "\\&" s : s
}

# Code: what is typed stays what is typed.
function code(s) {
	s = escape(s)
	gsub(/-/, "\\-", s)
	gsub(/'/, "\\(aq", s)
	return guard(s)
}

# A reference to a function: to this page, or to another one.
function call(word,    name, section) {
	name = word
	sub(/\(.*/, "", name)
	section = word
	sub(/^[^(]*/, "", section)
	if (name ~ /^modiso_/ && section == "()") {
		mentioned[name] = 1
		section = (name in described) ? "()" : "(3)"
	}
	return "\\fB" name "\\fR" section
}

# The page that is made from a header: that of the first function in it.
function page_of(noun,    file, line) {
	if (noun in pages)
		return pages[noun]
	if (noun == "test")
		return pages[noun] = "\\fBmodiso\\-testing\\fR(7)"
	if (noun == "record")
		return pages[noun] = "\\fBmodiso\\-trace\\fR(1)"
	file = ARGV[1]
	sub(/[^\/]*$/, noun ".h", file)
	while ((getline line <file) > 0)
		if (match(line, /^ \* modiso_[a-z0-9_]* - /) && \
		    line !~ /_fn - /) {
			line = substr(line, 4, RLENGTH - 6)
			break
		} else {
			line = ""
		}
	close(file)
	if (line == "")
		die("no page is made from modiso/" noun ".h")
	mentioned[line] = 1
	return pages[noun] = "\\fB" line "\\fR(3)"
}

# Prose: arguments in italics, constants and functions in bold, and for a header
# its page: who reads a page may have no headers.
function prose(s,    out, word) {
	s = escape(s)
	while (match(s, /modiso\/[a-z]*\.h|@[a-z_][a-z_0-9]*|MODISO_[A-Z0-9_]*[A-Z0-9]|[a-z_][a-z_0-9]*\([1-9]?\)/)) {
		word = substr(s, RSTART, RLENGTH)
		out = out substr(s, 1, RSTART - 1)
		s = substr(s, RSTART + RLENGTH)
		if (word ~ /^@/)
			out = out "\\fI" substr(word, 2) "\\fR"
		else if (word ~ /^modiso\//)
			out = out page_of(substr(word, 8, length(word) - 9))
		else if (word ~ /\)$/)
			out = out call(word)
		else
			out = out "\\fB" word "\\fR"
	}
	return guard(out s)
}

# Like a sentence: a capital letter at its beginning.
function sentence(s) {
	return toupper(substr(s, 1, 1)) substr(s, 2)
}

function put(s) {
	body = body s "\n"
}

## ---------------------------------------------------------------------------
## Declarations
## ---------------------------------------------------------------------------

# The prototypes of a piece of code, one in each of decl[1..n].
function declarations(text,    n, parts, i, s, count) {
	gsub(/MODISO_API|MODISO_MUST_CHECK/, "", text)
	gsub(/[ \t\n]+/, " ", text)
	count = split(text, parts, ";")
	n = 0
	for (i = 1; i <= count; i++) {
		s = parts[i]
		gsub(/^ +| +$/, "", s)
		gsub(/\( /, "(", s)
		if (s != "")
			decl[++n] = s ";"
	}
	return n
}

function name_of(s) {
	if (match(s, /\(\*modiso_[a-z0-9_]+\)/))
		return substr(s, RSTART + 2, RLENGTH - 3)
	if (match(s, /modiso_[a-z0-9_]+\(/))
		return substr(s, RSTART, RLENGTH - 1)
	die("no name in: " s)
}

# One argument with its name in italics, inside of bold text.
function argument(s) {
	if (match(s, /[a-z_][a-z_0-9]*$/) && RSTART > 1)
		return substr(s, 1, RSTART - 1) "\\fI" substr(s, RSTART) "\\fB"
	return s
}

# A prototype in lines of at most 70 characters.
function prototype(s,    head, count, args, i, line, plain, tail, pad, last) {
	if (!match(s, /\([^()]*\);$/))
		die("no arguments in: " s)
	head = substr(s, 1, RSTART)
	tail = substr(s, RSTART + 1, RLENGTH - 3)
	count = split(tail, args, /, */)
	pad = sprintf("%" (length(head) > 44 ? 8 : length(head)) "s", "")
	line = code(head)
	plain = head
	if (length(head) > 44) {
		synopsis = synopsis "\\fB" line "\\fR\n"
		line = pad
		plain = pad
	}
	for (i = 1; i <= count; i++) {
		last = i == count ? ");" : ","
		if (plain != head && plain != pad) {
			if (length(plain) + 1 + length(args[i] last) > 70) {
				synopsis = synopsis "\\fB" line "\\fR\n"
				line = pad
				plain = pad
			} else {
				line = line " "
				plain = plain " "
			}
		}
		line = line argument(code(args[i])) last
		plain = plain args[i] last
	}
	synopsis = synopsis "\\fB" line "\\fR\n"
}

## ---------------------------------------------------------------------------
## Comment blocks: text[1..lines], without the stars
## ---------------------------------------------------------------------------

# "  MODISO_ERR_X  cause" and the lines that go on with it, which are indented by
# more; or, when they are not indented at all, are of no code. A line of codes
# that ends with a comma goes on with more of them.
function codes(from, to,    i, s, names, in_list) {
	for (i = from; i <= to; i++) {
		s = text[i]
		if (match(s, /^  MODISO_[A-Z_]+(, MODISO_[A-Z_]+)*,?/)) {
			names = names substr(s, RSTART, RLENGTH)
			s = substr(s, RSTART + RLENGTH)
			if (names ~ /,$/)
				continue
			gsub(/ +/, " ", names)
			sub(/^ /, "", names)
			put(".TP")
			put(prose(names))
			names = ""
			in_list = 1
		} else if (in_list && s !~ /^ /) {
			put(".PP")
			in_list = 0
		}
		sub(/^ +/, "", s)
		if (s != "")
			put(prose(s))
	}
}

# "Cost:   words", one item for each label.
function labels(from, to,    i, s, rest) {
	for (i = from; i <= to; i++) {
		s = text[i]
		if (match(s, /^[A-Z][a-z]+(, [A-Z][a-z]+)*: +/)) {
			rest = substr(s, RLENGTH + 1)
			put(i == from ? ".PP\n.PD 0\n.TP 10" : ".TP 10")
			put("\\fI" substr(s, 1, index(s, ":") - 1) "\\fR")
			s = rest
		}
		sub(/^ +/, "", s)
		put(prose(s))
	}
	put(".PD")
}

# Words, and what is indented as it stands.
function paragraph(from, to,    i, plain) {
	for (i = from; i <= to; i++) {
		if (text[i] ~ /^(  |\t)/) {
			if (!plain)
				put(".PP\n.nf")
			plain = 1
			put(code(text[i]))
		} else {
			if (plain)
				put(".fi")
			plain = 0
			put(prose(text[i]))
		}
	}
	if (plain)
		put(".fi")
}

# "name - summary" lines, then "@argument: words"; returns the line after them.
function opening(    i, s, in_list, count, names, summary, j, rest) {
	count = 0
	for (i = 1; i <= lines && text[i] != ""; i++) {
		s = text[i]
		if (s ~ /^@/)
			break
		if (match(s, /^modiso_[a-z0-9_]+(, modiso_[a-z0-9_]+)* - /)) {
			names[++count] = substr(s, 1, RLENGTH - 3)
			summary[count] = substr(s, RLENGTH + 1)
		} else {
			summary[count] = summary[count] "\n" s
		}
	}
	s = ""
	for (j = 1; j <= count; j++) {
		gsub(/, /, "(), ", names[j])
		s = s (j > 1 ? ", " : "") names[j] (names[j] ~ /_fn$/ ? "" : "()")
	}
	put(".SS " s)
	for (j = 1; j <= count; j++) {
		if (count > 1) {
			put(".TP")
			put(prose(names[j] "()"))
		}
		put(lines_of(sentence(summary[j])))
	}
	if (count > 1)
		put(".PP")
	for (; i <= lines && text[i] != ""; i++) {
		s = text[i]
		if (match(s, /^@[a-z_]+((, | and )@[a-z_]+)*: */)) {
			rest = substr(s, RLENGTH + 1)
			put(in_list ? ".TP 10" : ".PP\n.PD 0\n.TP 10")
			put(prose(substr(s, 1, index(s, ":") - 1)))
			in_list = 1
			s = rest
		}
		sub(/^ +/, "", s)
		put(prose(s))
	}
	if (in_list)
		put(".PD")
	return i
}

function lines_of(s,    n, parts, i, out) {
	n = split(s, parts, "\n")
	for (i = 1; i <= n; i++)
		out = out (i > 1 ? "\n" : "") prose(parts[i])
	return out
}

# Paragraphs from line i on.
function paragraphs(i,    from, first) {
	for (; i <= lines; i++) {
		if (text[i] == "")
			continue
		from = i
		while (i < lines && text[i + 1] != "")
			i++
		if (text[from] ~ /^(Cost|Safety|Since)(, [A-Z][a-z]+)*: /) {
			labels(from, i)
		} else if (from < i && text[from] ~ /^Returns?( .*)?:$/ &&
			   text[from + 1] ~ /^ +MODISO_/) {
			put(".PP\n" prose(text[from]))
			codes(from + 1, i)
		} else {
			put(".PP")
			paragraph(from, i)
		}
	}
}

# A comment and the code after it are complete.
function flush(    n, i, j, count) {
	sub(/\n+$/, "", chunk)
	if (lines == 0 && chunk == "")
		return
	if (head == "") {
		headline()
		lines = 0
	}
	if (lines > 0 && text[1] ~ /^modiso_[a-z0-9_, ]* - /) {
		n = declarations(chunk)
		if (n == 0)
			die("a comment without its declaration: " text[1])
		for (i = 1; i <= n; i++)
			prototype(decl[i])
		j = opening()
		paragraphs(j)
	} else if (chunk ~ /MODISO_API/) {
		die("a declaration without its comment: " chunk)
	} else if (chunk != "") {
		types_of()
	}
	lines = 0
	chunk = ""
}

# "modiso/noun.h - what it is", and what there is to say of it.
function headline(    i) {
	if (!match(text[1], /^modiso\/[a-z]+\.h - /))
		die("the header does not begin with \"modiso/noun.h - summary\"")
	head = substr(text[1], RLENGTH + 1)
	for (i = 2; i <= lines && text[i] != ""; i++)
		head = head " " text[i]
	sub(/\.$/, "", head)
	paragraphs(i)
}

function types_of(    saved, n, parts, i) {
	saved = body
	body = ""
	if (lines > 0)
		paragraphs(1)
	if (body != "" || types != "")
		put(".PP")
	put(".in 4n\n.EX")
	n = split(chunk, parts, "\n")
	for (i = 1; i <= n; i++)
		put(code(detab(parts[i])))
	put(".EE\n.in\n.nh")
	types = types body
	body = saved
}

# Tabs to spaces; one level of indentation is four of them.
function detab(s,    out, i, c) {
	for (i = 1; i <= length(s); i++) {
		c = substr(s, i, 1)
		if (c != "\t") {
			out = out c
			continue
		}
		do
			out = out " "
		while (length(out) % 8)
	}
	if (out ~ /^        /)
		out = substr(out, 5)
	return out
}

## ---------------------------------------------------------------------------
## The header, twice: for the names, then for the rest
## ---------------------------------------------------------------------------

BEGIN {
	header = ARGV[1]
	while ((getline line <header) > 0) {
		if (line ~ /^ \* modiso_[a-z0-9_, ]* - /) {
			names_line = line
			sub(/ - .*/, "", names_line)
			sub(/^ \* /, "", names_line)
			count = split(names_line, names, ", ")
			for (i = 1; i <= count; i++) {
				described[names[i]] = 1
				if (names[i] !~ /_fn$/)
					functions[++function_count] = names[i]
			}
		}
		if (line ~ /^#include <modiso\//) {
			sub(/.*modiso\//, "", line)
			sub(/\.h.*/, "", line)
			nouns[++noun_count] = line
		}
	}
	close(header)
	if (function_count == 0)
		exit 0
}

# The guard, the includes and what is for C++ alone are not documentation.
FNR == 1 && /SPDX/ { next }
/^#ifdef __cplusplus/ { in_cxx = 1 }
in_cxx { if (/^#endif/) in_cxx = 0; next }
/^#(ifndef|define) MODISO_[A-Z_]*_H$/ || /^#endif/ || /^#include/ { next }
/^struct [a-z_]+;$/ { next }

in_comment {
	if (/^ \*\/$/) {
		in_comment = 0
		next
	}
	if ($0 !~ /^ \*( |$)/)
		die("a line of a comment begins with something else than \" * \"")
	s = $0
	sub(/^ \* ?/, "", s)
	text[++lines] = s
	next
}
/^\/\*$/ {
	flush()
	in_comment = 1
	next
}
/^\/\*.*\*\/$/ {
	flush()
	s = $0
	sub(/^\/\* */, "", s)
	sub(/ *\*\/$/, "", s)
	text[++lines] = s
	next
}
/^\/\*/ { die("a comment that begins with text on its first line") }
{
	if ($0 != "" || chunk != "")
		chunk = chunk $0 "\n"
}

## ---------------------------------------------------------------------------
## The page
## ---------------------------------------------------------------------------

function example_section(    line, any) {
	while ((getline line <example) > 0) {
		if (line ~ /SPDX-License-Identifier/)
			continue
		if (!any)
			print ".SH EXAMPLE\n.in 4n\n.EX"
		any = 1
		print code(detab(line))
	}
	close(example)
	if (any)
		print ".EE\n.in\n.nh"
}

function see_also(    name, n, list_of, i, j, swap) {
	for (name in mentioned)
		if (!(name in described))
			list_of[++n] = name
	for (i = 2; i <= n; i++)
		for (j = i; j > 1 && list_of[j - 1] > list_of[j]; j--) {
			swap = list_of[j]
			list_of[j] = list_of[j - 1]
			list_of[j - 1] = swap
		}
	print ".SH SEE ALSO"
	for (i = 1; i <= n; i++)
		print ".BR " list_of[i] " (3),"
	if (!("modiso_last_error_text" in described) && \
	    !("modiso_last_error_text" in mentioned))
		print ".BR modiso_last_error_text (3),"
	print ".BR modiso (7),"
	print ".BR modiso\\-backends (7),"
	print ".BR modiso\\-safety (7)"
}

END {
	if (failed)
		exit 1
	if (function_count == 0)
		exit 0
	flush()
	if (head == "")
		die("no comment at the beginning")
	for (i = 1; i <= function_count; i++)
		print functions[i] >list

	sub(/.*\//, "", header)
	print ".\\\" SPDX-License-Identifier: MIT"
	print ".\\\" Made from modiso/" header " by mkman3.awk: change that."
	print ".TH " functions[1] " 3 \"\" \"libmodiso " version "\" \"libmodiso\""
	# Names break at no hyphen, and no line is stretched around them.
	print ".ad l\n.nh\n.SH NAME"
	for (i = 1; i <= function_count; i++)
		printf "%s%s", functions[i], i < function_count ? ",\n" : ""
	print " \\-\n" prose(head)
	print ".SH SYNOPSIS\n.nf\n.B #include <modiso.h>\n.PP"
	printf "%s", synopsis
	print ".fi\n.PP\nCompile and link with"
	print ".BR \"pkg\\-config \\-\\-cflags \\-\\-libs libmodiso\" ."
	print ".SH DESCRIPTION"
	printf "%s", body
	if (types != "")
		printf ".SH TYPES AND CONSTANTS\n%s", types
	if (body ~ /MODISO_ERR_/) {
		print ".SH RETURN VALUE"
		print "With each function above. After a negative code"
		print ".BR modiso_last_error_text (3)"
		print "has the whole sentence: what was asked for, what stands"
		print "in the way, and what to do about it."
	}
	example_section()
	see_also()
}
