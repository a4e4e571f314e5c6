# SPDX-License-Identifier: MIT
"""What a C++ header declares, and a function of C for each that is named.

A function that has a name of C++ alone, a method, a constructor or destructor,
where an object has a member or a base: none has a symbol that every module has.
So the module gets a wrapper of each, of which the object is the first argument.
"""

import fnmatch
import re

import reasons
import write_module
from clang.cindex import AccessSpecifier, CursorKind, Diagnostic, TypeKind
from header import (
    REFERENCES,
    Function,
    Parameter,
    Refused,
    Type,
    call_it,
    check_count,
    flat,
    join,
    passes,
    place,
    pointee,
    read_function,
    read_unit,
)

CLASSES = {CursorKind.CLASS_DECL, CursorKind.STRUCT_DECL,
           CursorKind.UNION_DECL}
TEMPLATES = {CursorKind.CLASS_TEMPLATE, CursorKind.FUNCTION_TEMPLATE,
             CursorKind.CLASS_TEMPLATE_PARTIAL_SPECIALIZATION}
CALLED = {CursorKind.FUNCTION_DECL, CursorKind.CXX_METHOD,
          CursorKind.CONSTRUCTOR, CursorKind.DESTRUCTOR}
TYPEDEFS = {CursorKind.TYPEDEF_DECL, CursorKind.TYPE_ALIAS_DECL}
MEMBERS = {CursorKind.FIELD_DECL, CursorKind.CXX_BASE_SPECIFIER}
# extern "C" { is one or the other, by libclang's version.
BLOCKS = {CursorKind.LINKAGE_SPEC, CursorKind.UNEXPOSED_DECL}


def full_name(cursor):
    names = []
    while cursor is not None and cursor.kind != CursorKind.TRANSLATION_UNIT:
        names.insert(0, cursor.spelling)
        cursor = cursor.semantic_parent
    return "::".join(filter(None, names))


def is_public(cursor):
    return cursor.access_specifier in (
        AccessSpecifier.PUBLIC, AccessSpecifier.INVALID)


def is_reference(clang_type):
    return clang_type.get_canonical().kind in REFERENCES


def shown(found):
    return "; ".join(each.displayname + (
        " const" if each.is_const_method() else "") for each in found)


def base_of(specifier):
    return specifier.type.get_canonical().get_declaration()


def star(text):
    return join(text, "*")


def real(clang_type):
    """As the module's compiler reads it; a reference is a pointer there."""
    canonical = clang_type.get_canonical()
    text = star(canonical.get_pointee().spelling) \
        if is_reference(canonical) else canonical.spelling
    return "__typeof__(%s)" % text if "(" in text or "[" in text else text


def listed(text):
    """Types as they are compared: without blanks and where they are from."""
    text = re.sub(r"\s+|\b\w+::", "", text)
    return re.findall(r"(?:^|,)((?:[^,(<]|\([^()]*\)|<[^<>]*>)*)", text) \
        if text else []


class Named:
    """What one word of the command names: a function of C to be made."""

    def __init__(self, word, declared):
        form = re.fullmatch(
            r"(?:(\w+)=)?([^(\s]*)\s*(?:\((.*)\))?\s*(const)?", word)
        alias, path, self.takes, self.const = form.groups() if form else \
            (None, word, None, None)
        self.found, self.owner, self.paths = declared.search(path)
        full = self.paths[0] if self.paths else path
        scope, _, last = full.rpartition("::")
        # It would have the name that the header has declared, or none.
        self.nameless = not alias and \
            (not scope or not re.fullmatch(r"~?\w+", last))
        if last == scope.rpartition("::")[2]:
            last = "new"
        elif last.startswith("~"):
            last = "delete"
        self.kind = last
        self.called = path
        self.name = alias or flat(scope + "::" + last)

    @property
    def location(self):
        return (self.found or [self.owner])[0].location

    def fits(self, cursor):
        """1 for just these arguments, 2 where the others have a default, 0."""
        asked = listed(self.takes)
        given = list(cursor.get_arguments())
        if len(asked) > len(given):
            return 0
        for one, each in zip(asked, given):
            if one and [one] not in (
                    listed(each.type.spelling),
                    listed(each.type.get_canonical().spelling)):
                return 0
        if all(any(one.kind.is_expression() for one in each.get_children())
               for each in given[len(asked):]):
            return 1 if len(asked) == len(given) else 2
        return 0

    def that_fit(self, found):
        """By their arguments and const, as far as something is said of them."""
        fit = found
        if self.takes is not None:
            how = [(self.fits(each), each) for each in found]
            fit = [each for much, each in how if much == 1] or \
                [each for much, each in how if much == 2]
        if self.const:
            fit = [each for each in fit if each.is_const_method()]
        elif self.takes is not None:
            fit = [each for each in fit if not each.is_const_method()] or fit
        if not fit:
            raise Refused(reasons.FITS_NOT % (
                "" if self.takes is None else "(%s)" % self.takes,
                self.const or "", shown(found) or "none"))
        return fit

    def choose(self):
        """The one declaration that is meant, None for what the compiler makes
        by itself, or Refused."""
        if len(self.paths) > 1:
            raise Refused(reasons.SEVERAL % " or ".join(self.paths[:3]))
        found = [each for each in self.found if each.kind in CALLED | MEMBERS]
        if self.found and not found:
            raise Refused(
                reasons.TEMPLATE if any(each.kind in TEMPLATES
                                        for each in self.found)
                else reasons.CLASS)
        found = list(filter(is_public, found)) or found
        if self.takes is None:
            found = [each for each in found if not (
                each.is_copy_constructor() or
                each.is_move_constructor())] or found
        if found and found[0].kind in CALLED or self.takes:
            found = self.that_fit(found)
        if len(found) > 1:
            raise Refused(reasons.OVERLOADED % shown(found))
        return found[0] if found else None

    def read(self):
        cursor = self.choose()
        if self.nameless and cursor.kind == CursorKind.FUNCTION_DECL and \
                cursor.mangled_name == self.paths[0] and \
                cursor.get_definition() is None:
            return read_function(cursor)
        if self.nameless:
            raise Refused(reasons.NO_NAME % self.called)
        return self.wrapped(cursor)

    def arguments(self, cursor):
        """Parameters, how the wrapper takes them, and how it gives them."""
        parameters, takes, gives, taken = [], [], [], set()
        if self.owner and self.kind != "new" and \
                not (cursor and cursor.is_static_method()):
            to = pointee(self.owner.type, True)
            to.constant = bool(cursor) and (
                cursor.is_const_method() or
                cursor.kind in MEMBERS and self.const is not None)
            parameters.append(Parameter(
                call_it("self", 1, taken), "this",
                Type("pointer", "", to.name + "_ptr", to=to)))
            takes.append("%s%s *self" % ("const " if to.constant else "",
                                         full_name(self.owner)))
        if not cursor or cursor.kind not in CALLED:
            return parameters, takes, gives
        if cursor.type.is_function_variadic():
            raise Refused(reasons.VARIADIC)
        types = list(cursor.type.argument_types())
        if self.takes is not None:
            types = types[:len(listed(self.takes))]
        names = [each.spelling for each in cursor.get_arguments()]
        for number, (each, name) in enumerate(zip(types, names), 1):
            what = "argument %d%s" % (number, ", %s," % name if name else "")
            parameters.append(Parameter(call_it(name, number, taken), name,
                                        passes(each.get_canonical(), what,
                                               True)))
            takes.append(join(real(each), "a%d" % number))
            gives.append(("*" if is_reference(each) else "") + "a%d" % number)
        check_count([each.type for each in parameters])
        return parameters, takes, gives

    def wrapped(self, cursor):
        owner = full_name(self.owner) if self.owner else ""
        parameters, takes, gives = self.arguments(cursor)
        gives = ", ".join(gives)
        result, text = Type("void", "void", "void"), "void"
        if self.kind == "new":
            result, text = place_type(self.owner.type)
            body = "return new %s(%s)" % (owner, gives)
        elif self.kind == "delete":
            body = "delete self"
        elif cursor.kind in MEMBERS:
            result, text, body = place_of(cursor, self.const)
        else:
            result = passes(cursor.result_type.get_canonical(), "its result",
                            True)
            if result.kind == "callback":
                raise Refused(reasons.RETURNS_FUNCTION % "its result")
            text = real(cursor.result_type)
            body = "return %s%s%s(%s)" % (
                "&" if is_reference(cursor.result_type) else "",
                "::" if not owner else owner + "::"
                if cursor.is_static_method() else "self->",
                cursor.spelling if owner else full_name(cursor), gives)
        full = self.paths[0]
        if cursor is not None and cursor.kind in CALLED:
            full += cursor.displayname[len(cursor.spelling):]
        return Function(
            self.name, place((cursor or self).location), full, result,
            parameters, called=self.called,
            wrapper="extern \"C\" %s\n%s(%s)\n{\n\t%s;\n}\n" % (
                text, self.name, ", ".join(takes), body))


def place_type(to, constant=None):
    """Of a pointer to that: for the host, and for the wrapper."""
    to = to.get_canonical()
    there = pointee(to, True)
    there.constant = there.constant or constant is not None
    return Type("pointer", "", there.name + "_ptr", to=there), \
        star(to.spelling + (" const" if constant else ""))


def place_of(cursor, constant):
    """A base, or a member, as where it is in the object."""
    if cursor.kind == CursorKind.CXX_BASE_SPECIFIER:
        return *place_type(cursor.type, constant), "return self"
    to = cursor.type.get_canonical()
    text = "&self->" + cursor.spelling
    if is_reference(to):
        to, constant = to.get_pointee(), None
    while to.kind == TypeKind.CONSTANTARRAY:
        to = to.element_type
        text = "*" + text
    return *place_type(to, constant), "return " + text


class Declared(dict):
    """Full names, and what they declare; the functions of C++ among them."""

    def __init__(self, cursor):
        super().__init__()
        self.walk(cursor)

    def walk(self, cursor):
        for each in cursor.get_children():
            if each.kind in BLOCKS:
                self.walk(each)
            elif each.kind == CursorKind.NAMESPACE:
                if each.spelling not in ("std", "__gnu_cxx"):
                    self.walk(each)
            elif each.kind in CLASSES:
                if each.is_definition() and each.spelling:
                    name = full_name(each)
                    self.add(name, each)
                    # What the header does not declare the compiler makes.
                    self.setdefault("%s::%s" % (name, each.spelling), [])
                    self.setdefault("%s::~%s" % (name, each.spelling), [])
                    self.walk(each)
            elif each.kind == CursorKind.CXX_BASE_SPECIFIER:
                self.add("%s::%s" % (full_name(cursor),
                                     base_of(each).spelling), each)
            elif each.kind == CursorKind.FIELD_DECL or \
                    each.kind in CALLED | TEMPLATES | TYPEDEFS:
                self.add(full_name(each), each)

    def add(self, name, cursor):
        these = self.setdefault(name, [])
        if cursor.kind in MEMBERS or \
                cursor.get_usr() not in [each.get_usr() for each in these]:
            these.append(cursor)

    def ends_with(self, path):
        return [path] if path in self else \
            [each for each in self if each.endswith("::" + path)]

    def class_at(self, path):
        """The class of that name, or a template."""
        for each in self.get(path, ()):
            if each.kind in TYPEDEFS:
                return self.class_at(full_name(
                    each.type.get_canonical().get_declaration()))
            if each.kind in CLASSES | TEMPLATES:
                return each
        return None

    def search(self, path):
        """Declarations, the class that they are of, and full names."""
        path = path.removeprefix("::")
        paths = self.ends_with(path)
        if paths:
            return self[paths[0]], \
                self.class_at(paths[0].rpartition("::")[0]), paths
        scope, _, last = path.rpartition("::")
        all_found = {}
        for owner in filter(None, map(self.class_at, self.ends_with(scope))):
            # By another name of the class, its constructor is of that as well.
            if last.lstrip("~") == scope.rpartition("::")[2]:
                last = last.replace(last.lstrip("~"), owner.spelling)
            name = "%s::%s" % (full_name(owner), last)
            if owner.kind in TEMPLATES:
                all_found[name] = [owner], owner
            elif name in self or self.inherited(owner, last):
                all_found[name] = self.get(name) or \
                    self.inherited(owner, last), owner
        return *next(iter(all_found.values()), ([], None)), list(all_found)

    def inherited(self, owner, last):
        """Of the class itself, or of the first base that has it."""
        found = self.get("%s::%s" % (full_name(owner), last), [])
        for each in owner.get_children() if not found else ():
            if each.kind == CursorKind.CXX_BASE_SPECIFIER:
                found = found or self.inherited(base_of(each), last)
        return found

    def look(self, word):
        named = Named(word, self)
        return named if named.paths else None

    def matching(self, pattern):
        pattern = pattern.removeprefix("::")
        return sorted(
            name for name, found in self.items()
            if (not found or any(
                each.kind in CALLED | MEMBERS and is_public(each)
                for each in found)) and
            (fnmatch.fnmatchcase(name, pattern) or
             fnmatch.fnmatchcase(name, "*::" + pattern)))


def that_compile(headers, options, functions):
    """Those whose wrapper a compiler takes; and of the others a sentence each,
    if they were named, and if they are of a pattern."""
    wrapped = [each for each in functions if each.wrapper]
    before = write_module.includes(headers)
    text = "\n".join(before + [each.wrapper.replace("\n", " ")
                               for each in wrapped]) + "\n"
    name, why = "modiso-bind.cc", {}
    for each in read_unit(name, text, options).diagnostics:
        line = each.location.line - 1 - len(before)
        if each.severity >= Diagnostic.Error and each.location.file and \
                each.location.file.name == name and line >= 0:
            why.setdefault(wrapped[line].name, each.spelling)
    complaints, left = [], []
    for each in wrapped:
        if each.name in why:
            at = "%s: %s()" % (each.where, each.called)
            if each.perhaps:
                left.append(reasons.LEFT_OUT % (at, why[each.name]))
            else:
                complaints.append("%s: %s" % (at, why[each.name]))
    return [each for each in functions if each.name not in why], \
        complaints, left
