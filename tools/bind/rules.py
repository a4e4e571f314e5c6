# SPDX-License-Identifier: MIT
"""What was said of the arguments, held against what the header says."""

import difflib
import re

import header
import reasons
from header import Refused

# Among the functions, where the module has its errno: no function of C is
# called like that.
ERRNO = "errno"
WAYS = ("module", "in", "out", "inout", "string")
# As a length behind the call: what the function has returned.
RESULT = "result"


def words_of(text):
    """Blanks between parentheses, and before a const, are no end."""
    for line in text.splitlines():
        yield from re.findall(r"(?:\([^()]*\)|\S)+(?:\s+const\b)?",
                              line.split("#", 1)[0])


def is_cxx(word):
    """A name with :: is of C++, NAME=CLASS::METHOD as well."""
    return "::" in word.partition("(")[0]


def group(words):
    """FUNCTION ARGUMENT=HOW... as [(function, [(argument, how)])]."""
    found = []
    for word in words:
        if "=" in word and not is_cxx(word):
            if not found:
                raise ValueError("%s: no function stands before it" % word)
            found[-1][1].append(tuple(word.split("=", 1)))
        else:
            found.append((word, []))
    return found


def find(function, name):
    name = name or "nothing"
    for number, each in enumerate(function.parameters, 1):
        if name in (each.known_as, str(number)):
            return each
    if not function.parameters:
        raise Refused(reasons.NO_PARAMETERS % name)
    raise Refused(reasons.NO_PARAMETER % (name, ", ".join(
        each.known_as or str(number)
        for number, each in enumerate(function.parameters, 1))))


def length(function, parameter, text):
    """[(parameter or number, is it what that points to)], one or two."""
    return [factor(function, parameter, each, ("in", "inout"))
            for each in factors_of(text)]


def used(function, parameter, text):
    """The same, of what is there behind the call: its result as well."""
    return [(function, False) if each == RESULT and
            not any(one.known_as == RESULT for one in function.parameters)
            else factor(function, parameter, each, ("in", "out", "inout"))
            for each in factors_of(text)]


def factors_of(text):
    form = re.fullmatch(r"(\*?@?\w+)(?:\*(\*?@?\w+))?", text)
    if not form:
        raise Refused(reasons.LENGTH_FORM % (text or "nothing"))
    return [each for each in form.groups() if each is not None]


def factor(function, parameter, text, ways):
    if re.fullmatch(r"[0-9]+", text):
        if int(text) >= 1 << 63:
            raise Refused(reasons.LENGTH_LARGE % text)
        return int(text), False
    of = find(function, text.lstrip("*@"))
    if text.startswith("*"):
        if of.how not in ways or of.length or of.type.kind != "pointer" or \
                of.type.to.kind != "integer":
            raise Refused(reasons.LENGTH_POINTEE % (
                of.name, parameter.name, of.name, " or ".join(ways)))
        return of, True
    if of.type.kind != "integer":
        raise Refused(reasons.LENGTH_INTEGER % (of.name, parameter.name))
    return of, False


def say(function, name, how):
    """One word about one argument."""
    parameter = find(function, name)
    way, _, text = how.partition(":")
    if parameter.how is not None:
        raise Refused(reasons.TWICE % name)
    if parameter.type.kind != "pointer":
        raise Refused(reasons.NO_POINTER % name)
    if way not in WAYS:
        raise Refused(reasons.NOT_A_WAY % (name, how))
    if ":" in how and way in ("module", "string"):
        raise Refused(reasons.LENGTH_WHERE % (name, way))
    to = parameter.type.to
    if way == "string" and to.name != "char":
        raise Refused(reasons.STRING_OF % (name, to.text))
    if way in ("out", "inout") and to.constant:
        raise Refused(reasons.WRITES_CONSTANT % name)
    if way in ("in", "out", "inout"):
        if to.kind == "void" and ":" not in how:
            raise Refused(reasons.VOID_LENGTH % (name, name, way))
        if to.kind == "object":
            raise Refused(reasons.OBJECT % (name, to.text))
        if to.kind != "void" and not to.complete:
            raise Refused(reasons.INCOMPLETE % (name, to.text))
        if to.inner and (way != "out" or ":" in how):
            raise Refused(reasons.HOLDS_POINTERS % (name, to.text, to.inner))
    parameter.how = way
    return parameter, text if ":" in how else None


def bind(named, said):
    """A Function with what was said of it; raises Refused."""
    function = named.read() if named else header.errno_of_module()
    lengths = [say(function, *each) for each in said]
    for parameter, text in lengths:
        if text is not None:
            parameter.length = [(0, False)]  # not a single object
    for parameter, text in lengths:
        if text is None:
            continue
        text, colon, behind = text.partition(":")
        parameter.length = length(function, parameter, text)
        if not colon:
            continue
        if parameter.how == "in":
            raise Refused(reasons.USED_WHERE % parameter.name)
        if behind == RESULT and function.result.kind != "integer":
            raise Refused(reasons.LENGTH_INTEGER % (
                "its result", parameter.name))
        parameter.used = used(function, parameter, behind)
    for each in function.parameters:
        if each.type.kind == "pointer" and each.how is None:
            each.how = "module"
    return function


def near(path, declared, name):
    text = reasons.NO_FUNCTION % (path, name)
    found = difflib.get_close_matches(name, declared, 1, 0.8)
    return reasons.MEANT % (text, found[0] + "()") if found else text


def where(path, named, word):
    return "%s: %s()" % (header.place(named.location) if named else path,
                         named.called if named else word)


def bind_pattern(path, declared, pattern, said, taken):
    """The functions of a pattern, and why others are none of them."""
    functions, left, fits = [], [], set()
    for name in declared.matching(pattern):
        named = declared.look(name)
        if named.name in taken:
            continue
        try:
            these = named.read().parameters
            here = [each for each in said
                    if any(one.known_as == each[0] and
                           one.type.kind == "pointer" for one in these)]
            function = bind(named, here)
            function.perhaps = pattern
            functions.append(function)
            fits.update(here)
        except Refused as refused:
            left.append(reasons.LEFT_OUT % (
                where(path, named, name), refused))
    complaints = [reasons.FITS_NONE % (path, pattern, each[0])
                  for each in said if each not in fits]
    if not functions:
        complaints = [reasons.NO_MATCH % (path, pattern)] + complaints
    return functions, complaints, left


def is_pattern(word):
    return re.search(r"[*?\[]", word.partition("(")[0])


def bind_all(path, declared, groups):
    """The functions, a sentence about each that is refused, and about each that
    a pattern has left out."""
    functions, complaints, left, seen = [], [], [], {}
    looked = {word: declared.look(word) for word, _ in groups}
    taken = {each.name for each in looked.values() if each}
    for word, said in groups:
        if is_pattern(word):
            more, wrong, out = bind_pattern(
                path, declared, word, said, taken | {
                    each.name for each in functions})
            functions += more
            complaints += wrong
            left += out
            continue
        named = looked[word]
        if not named and word != ERRNO:
            complaints.append(near(path, declared, word))
            continue
        try:
            name = named.name if named else word
            if name in seen:
                raise Refused(reasons.LISTED_TWICE if seen[name] == word else
                              reasons.NAMED_TWICE % (name, seen[name], word))
            seen[name] = word
            functions.append(bind(named, said))
        except Refused as refused:
            complaints.append("%s: %s" % (where(path, named, word), refused))
    return functions, complaints, left
