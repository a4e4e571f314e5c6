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


def words_of(text):
    for line in text.splitlines():
        yield from line.split("#", 1)[0].split()


def group(words):
    """FUNCTION ARGUMENT=HOW... as [(function, [(argument, how)])]."""
    found = []
    for word in words:
        if "=" in word:
            if not found:
                raise ValueError("%s: no function stands before it" % word)
            found[-1][1].append(tuple(word.split("=", 1)))
        else:
            found.append((word, []))
    return found


def find(function, name):
    for number, each in enumerate(function.parameters, 1):
        if name in (each.known_as, str(number)) and name:
            return each
    if not function.parameters:
        raise Refused(reasons.NO_PARAMETERS % name)
    raise Refused(reasons.NO_PARAMETER % (name, ", ".join(
        each.known_as or str(number)
        for number, each in enumerate(function.parameters, 1))))


def length(function, parameter, text):
    """[(parameter or number, is it what that points to)], one or two."""
    form = re.fullmatch(r"(\*?@?\w+)(?:\*(\*?@?\w+))?", text)
    if not form:
        raise Refused(reasons.LENGTH_FORM % text)
    factors = []
    for each in form.groups():
        if each is None:
            continue
        if re.fullmatch(r"[0-9]+", each):
            factors.append((int(each), False))
            continue
        of = find(function, each.lstrip("*@"))
        if each.startswith("*"):
            if of.how not in ("in", "inout") or of.length or \
                    of.type.to.kind != "integer":
                raise Refused(reasons.LENGTH_POINTEE % (
                    of.name, parameter.name, of.name))
            factors.append((of, True))
        else:
            if of.type.kind != "integer":
                raise Refused(reasons.LENGTH_INTEGER % (
                    of.name, parameter.name))
            factors.append((of, False))
    return factors


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
        if to.kind != "void" and not to.complete:
            raise Refused(reasons.INCOMPLETE % (name, to.text))
        if to.inner and (way != "out" or ":" in how):
            raise Refused(reasons.HOLDS_POINTERS % (name, to.text, to.inner))
    parameter.how = way
    return parameter, text if ":" in how else None


def bind(declared, name, said):
    """A Function with what was said of it; raises Refused."""
    function = header.errno_of_module() if name == ERRNO else \
        header.read_function(declared[name])
    lengths = [say(function, *each) for each in said]
    for parameter, text in lengths:
        if text is not None:
            parameter.length = [(0, False)]  # not a single object
    for parameter, text in lengths:
        if text is not None:
            parameter.length = length(function, parameter, text)
    for each in function.parameters:
        if each.type.kind == "pointer" and each.how is None:
            each.how = "module"
    return function


def bind_all(path, declared, groups):
    """The functions, and a sentence about each that is refused."""
    functions, complaints, seen = [], [], set()
    for name, said in groups:
        if name not in declared and name != ERRNO:
            text = reasons.NO_FUNCTION % (path, name)
            near = difflib.get_close_matches(name, declared, 1, 0.8)
            complaints.append(reasons.MEANT % (text, near[0] + "()")
                              if near else text)
            continue
        try:
            if name in seen:
                raise Refused(reasons.LISTED_TWICE)
            seen.add(name)
            functions.append(bind(declared, name, said))
        except Refused as refused:
            complaints.append("%s: %s(): %s" % (
                header.place(declared[name].location) if name != ERRNO else
                path, name, refused))
    return functions, complaints
