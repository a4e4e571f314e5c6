# SPDX-License-Identifier: MIT
"""What a C header declares, as libclang reads it."""

import fnmatch
import os
import re
import subprocess
from dataclasses import dataclass, field
from itertools import islice

import reasons
from clang.cindex import (
    Config,
    CursorKind,
    Diagnostic,
    Index,
    LibclangError,
    StorageClass,
    TranslationUnit,
    TypeKind,
)

INTEGERS = {
    TypeKind.CHAR_U, TypeKind.UCHAR, TypeKind.CHAR_S, TypeKind.SCHAR,
    TypeKind.USHORT, TypeKind.SHORT, TypeKind.UINT, TypeKind.INT,
    TypeKind.ULONG, TypeKind.LONG, TypeKind.ULONGLONG, TypeKind.LONGLONG,
    TypeKind.WCHAR, TypeKind.CHAR16, TypeKind.CHAR32,
}
ARRAYS = {
    TypeKind.CONSTANTARRAY, TypeKind.INCOMPLETEARRAY, TypeKind.VARIABLEARRAY,
}
FUNCTIONS = {TypeKind.FUNCTIONPROTO, TypeKind.FUNCTIONNOPROTO}
REFERENCES = {TypeKind.LVALUEREFERENCE}

# Words of C++ that a parameter of C may be called by.
CXX_WORDS = set(
    "alignas alignof and and_eq asm auto bitand bitor bool catch char8_t"
    " char16_t char32_t class compl concept consteval constexpr constinit"
    " const_cast co_await co_return co_yield decltype delete dynamic_cast"
    " explicit export false friend mutable namespace new noexcept not not_eq"
    " nullptr operator or or_eq private protected public reinterpret_cast"
    " requires static_assert static_cast template this thread_local throw true"
    " try typeid typename using virtual wchar_t xor xor_eq".split())

# They return twice, or leave a function that the module is in.
JUMPS = {"setjmp", "_setjmp", "sigsetjmp", "__sigsetjmp", "longjmp",
         "_longjmp", "siglongjmp", "vfork", "getcontext", "setcontext"}


@dataclass
class Type:
    """A type as it passes a gate.

    kind is void, bool, integer, number, pointer or callback; text is how C and
    C++ spell it. to is what a pointer points to, with const where constant,
    complete where its size is known, inner where it holds pointers; its kind
    may be record, or object, of a class that only the module knows. name is for
    structures of ours that are named after it.
    """
    kind: str
    text: str
    name: str = ""
    to: "Type" = None
    constant: bool = False
    complete: bool = True
    inner: str = None
    result: "Type" = None
    arguments: list = field(default_factory=list)


@dataclass
class Parameter:
    name: str       # in code that is made
    known_as: str   # in the header, or "" without a name
    type: Type
    how: str = None
    length: list = None
    used: list = None   # of what comes back, where that is not length

    def is_tainted(self):
        """Host memory that is lent: pointers there are a module's, what comes
        back is, but for data, and a bool is none that may be any byte."""
        kind = self.type.to.kind
        if kind == "pointer" or self.how == "in":
            return kind == "pointer"
        return not self.length or kind == "bool"


@dataclass
class Function:
    name: str
    where: str
    text: str
    result: Type
    parameters: list
    symbol: str = ""    # in the image, where it is not the name
    scope: str = "::"   # of C++
    perhaps: str = ""   # the pattern, of which the image may not have all
    wrapper: str = ""   # what the module has beside the library, in C++,
    called: str = ""    # of what has this name there

    def exported(self):
        return self.symbol or self.name


class Refused(Exception):
    """It cannot pass a gate, or is not what was said of it."""


def pointer_to(to, constant=False):
    """"const char *", or "char *const *" where what it points to is one."""
    if to.kind == "pointer":
        return to.text + ("const *" if constant else "*")
    return "%s%s *" % ("const " if constant else "", to.text)


def join(text, name):
    return text + ("" if text.endswith("*") else " ") + name


def spelled(clang_type):
    """Without what C++ does not know, and what no pointer to it needs."""
    text = re.sub(r"\b(restrict|__restrict|__restrict__|_Nonnull|_Nullable)\b",
                  "", clang_type.spelling)
    text = re.sub(r"\b_Bool\b", "bool", text)
    return " ".join(text.split())


def bare(text):
    return " ".join(re.sub(r"\b(const|volatile)\b", "", text).split())


def flat(text):
    return "_".join(re.findall(r"\w+", text))


def named(clang_type):
    """"struct png_struct_def *" as "png_struct_def_ptr"."""
    text = bare(spelled(clang_type.get_canonical()))
    if "(" in text:
        raise Refused(reasons.UNNAMED % text)
    text = re.sub(r"\b(struct|union|enum)\b", "", text).replace("*", " ptr")
    return flat(text)


def pointer_within(clang_type):
    """The first member that is a pointer, with its place, or None."""
    clang_type = clang_type.get_canonical()
    while clang_type.kind in ARRAYS:
        clang_type = clang_type.element_type.get_canonical()
    if clang_type.kind != TypeKind.RECORD:
        return None
    for member in clang_type.get_fields():
        of = member.type.get_canonical()
        while of.kind in ARRAYS:
            of = of.element_type.get_canonical()
        if of.kind == TypeKind.POINTER:
            return "%s, %s" % (member.spelling, place(member.location))
        found = pointer_within(of)
        if found:
            return found
    return None


def no_tag(declaration):
    """Of "typedef struct { ... } name": some say that is struct name."""
    if declaration.kind not in (CursorKind.STRUCT_DECL, CursorKind.UNION_DECL,
                                CursorKind.ENUM_DECL):
        return False
    words = [each.spelling for each in islice(declaration.get_tokens(), 2)]
    return words[1:] == ["{"]


def place(location):
    name = os.path.normpath(location.file.name) if location.file else "?"
    return "%s:%d" % (name, location.line)


def pointee(clang_type, objects=False):
    """With objects a class of more than its bytes is the module's alone."""
    canonical = clang_type.get_canonical()
    constant = clang_type.is_const_qualified() or \
        canonical.is_const_qualified()
    text = bare(spelled(clang_type))
    if canonical.kind == TypeKind.VOID:
        return Type("void", "void", "void", constant=constant, complete=False)
    if canonical.kind == TypeKind.POINTER or canonical.kind in ARRAYS:
        inner = canonical.element_type if canonical.kind in ARRAYS else \
            canonical.get_pointee()
        inner = inner.get_canonical()
        if inner.kind in FUNCTIONS or canonical.kind in ARRAYS:
            raise Refused(reasons.UNNAMED % text)
        # Spelled from what it points to: a typedef may hide a const there.
        to = pointee(inner, objects)
        return Type("pointer", pointer_to(to, to.constant),
                    to.name + "_ptr", constant=constant, to=to)
    if canonical.kind in FUNCTIONS:
        raise AssertionError("a callback is no pointee")
    if "(" in text:
        text = bare(spelled(canonical))
    if no_tag(canonical.get_declaration()):
        text = re.sub(r"^(struct|union|enum) ", "", text)
    name = named(clang_type)
    complete = canonical.get_size() > 0
    kind = "record"
    if objects and kind == "record" and not canonical.is_pod():
        return Type("object", name + "_object", name, constant=constant,
                    complete=False)
    if canonical.kind in INTEGERS or canonical.kind == TypeKind.ENUM:
        kind = "integer"
    elif canonical.kind == TypeKind.BOOL:
        kind = "bool"
    elif canonical.kind in (TypeKind.FLOAT, TypeKind.DOUBLE):
        kind = "number"
    return Type(kind, text, name, constant=constant, complete=complete,
                inner=pointer_within(canonical))


def passes(clang_type, what, objects=False):
    """The type of an argument or a result, or why it cannot be one."""
    canonical = clang_type.get_canonical()
    text = bare(spelled(clang_type))
    if "__va_list_tag" in canonical.spelling:
        raise Refused(reasons.VA_LIST % what)
    if canonical.kind in ARRAYS:
        to = pointee(clang_type.element_type
                     if clang_type.kind in ARRAYS else canonical.element_type,
                     objects)
        return Type("pointer", "", to.name + "_ptr", to=to)
    if canonical.kind in FUNCTIONS:
        return callback(clang_type, canonical, what, objects)
    if canonical.kind in REFERENCES and \
            canonical.get_pointee().kind not in FUNCTIONS:
        to = pointee(canonical.get_pointee(), objects)
        return Type("pointer", "", to.name + "_ptr", to=to)
    if canonical.kind == TypeKind.POINTER:
        target = canonical.get_pointee()
        if target.get_canonical().kind in FUNCTIONS:
            return callback(clang_type, target.get_canonical(), what,
                            objects)
        # Through typedefs of pointers to how the header calls the target.
        while clang_type.kind not in (TypeKind.POINTER,):
            if clang_type.kind == TypeKind.TYPEDEF:
                clang_type = \
                    clang_type.get_declaration().underlying_typedef_type
            elif clang_type.kind == TypeKind.ELABORATED:
                clang_type = clang_type.get_named_type()
            else:
                clang_type = canonical
        to = pointee(clang_type.get_pointee(), objects)
        return Type("pointer", "", to.name + "_ptr", to=to)
    if canonical.kind == TypeKind.VOID:
        return Type("void", "void", "void")
    if canonical.kind == TypeKind.BOOL:
        return Type("bool", "bool", "bool")
    if canonical.kind in INTEGERS or canonical.kind == TypeKind.ENUM:
        if "(" in text:
            raise Refused(reasons.UNNAMED % text)
        return Type("integer", text, named(clang_type))
    if canonical.kind in (TypeKind.FLOAT, TypeKind.DOUBLE):
        return Type("number", text, named(clang_type))
    if canonical.kind == TypeKind.RECORD:
        raise Refused(reasons.BY_VALUE % (what, text))
    raise Refused(reasons.NO_REGISTER % (what, text))


def callback(clang_type, function, what, objects):
    if function.kind == TypeKind.FUNCTIONNOPROTO:
        raise Refused(reasons.CALLBACK_NO_PROTOTYPE % what)
    if function.is_function_variadic():
        raise Refused(reasons.CALLBACK_VARIADIC % what)
    result = passes(function.get_result(), "the result of " + what, objects)
    if result.kind == "callback":
        raise Refused(reasons.RETURNS_FUNCTION % ("the result of " + what))
    arguments = []
    for number, each in enumerate(function.argument_types(), 1):
        argument = passes(each, "argument %d of %s" % (number, what), objects)
        if argument.kind == "callback":
            raise Refused(reasons.CALLBACK_IN_CALLBACK % (number, what))
        arguments.append(argument)
    check_count(arguments)
    name = ""
    if clang_type.kind == TypeKind.TYPEDEF or \
            clang_type.kind == TypeKind.ELABORATED:
        name = bare(spelled(clang_type))
        name = name if re.fullmatch(r"\w+", name) else ""
    return Type("callback", "", name, result=result, arguments=arguments)


def check_count(types):
    words = sum(each.kind != "number" for each in types)
    if words > 16:
        raise Refused(reasons.MANY_WORDS % words)
    if len(types) - words > 8:
        raise Refused(reasons.MANY_NUMBERS % (len(types) - words))


def call_it(name, number, taken):
    """A name for a parameter that is none of C++'s, and none twice."""
    name = name.lstrip("_") or "arg%d" % number
    if not re.fullmatch(r"[A-Za-z]\w*", name):
        name = "arg%d" % number
    if name in CXX_WORDS or name.endswith("_"):
        name = name.rstrip("_") + "_arg"
    while name in taken:
        name += "x"
    taken.add(name)
    return name


def read_function(cursor):
    """A declaration as a Function; raises Refused."""
    canonical = cursor.type.get_canonical()
    if canonical.kind == TypeKind.FUNCTIONNOPROTO:
        raise Refused(reasons.NO_PROTOTYPE)
    if canonical.is_function_variadic():
        raise Refused(reasons.VARIADIC)
    if cursor.spelling in JUMPS:
        raise Refused(reasons.JUMPS)
    if cursor.storage_class == StorageClass.STATIC or \
            cursor.get_definition() is not None:
        raise Refused(reasons.DEFINED)
    result = passes(cursor.result_type, "its result")
    if result.kind == "callback":
        raise Refused(reasons.RETURNS_FUNCTION % "its result")
    taken = set()
    parameters = []
    for number, each in enumerate(cursor.get_arguments(), 1):
        what = "argument %d%s" % (
            number, ", %s," % each.spelling if each.spelling else "")
        parameters.append(Parameter(call_it(each.spelling, number, taken),
                                    each.spelling, passes(each.type, what)))
    check_count([each.type for each in parameters])
    text = "%s(%s)" % (cursor.spelling, ", ".join(
        spelled(each.type) + (" " + each.spelling if each.spelling else "")
        for each in cursor.get_arguments()) or "void")
    return Function(cursor.spelling, place(cursor.location),
                    "%s %s" % (spelled(cursor.result_type), text), result,
                    parameters)


def errno_of_module():
    """Where the module's C library has it, as that calls it for errno.h."""
    to = Type("integer", "int", "int")
    return Function("module_errno", "errno.h", "int *module_errno(void)",
                    Type("pointer", "", "int_ptr", to=to), [],
                    symbol="__errno_location", scope="::modiso::")


def compilers_headers():
    """stddef.h and its like, where libclang has come without its own."""
    try:
        found = subprocess.run(["cc", "-print-file-name=include"],
                               capture_output=True, text=True, check=False)
    except OSError:
        return []
    directory = found.stdout.strip()
    return ["-idirafter", directory] if os.path.isdir(directory) else []


def include_lines(headers):
    """As a file where it begins with . or /, else as compilers find it."""
    return [('#include "%s"' if each.startswith((".", "/")) else
             "#include <%s>") % each for each in headers]


class Named:
    """What one word of the command names: a function of C."""

    def __init__(self, cursor):
        self.name = self.called = cursor.spelling
        self.location, self.cursor = cursor.location, cursor

    def read(self):
        return read_function(self.cursor)


class Declared(dict):
    """The declarations of functions by name."""

    def __init__(self, cursor):
        super().__init__()
        for each in cursor.get_children():
            if each.kind == CursorKind.FUNCTION_DECL:
                self.setdefault(each.spelling, each)

    def look(self, word):
        return Named(self[word]) if word in self else None

    def matching(self, pattern):
        return sorted(fnmatch.filter(self, pattern))


def read_unit(name, text, options, flags=0):
    """As C, or as C++ by the end of the name."""
    library = os.environ.get("MODISO_LIBCLANG")
    if library and not Config.loaded:
        Config.set_library_file(library)
    try:
        index = Index.create()
    except LibclangError as error:
        raise ImportError(str(error)) from error
    language = ["-x", "c++", "-std=gnu++17", "-ferror-limit=0"] \
        if name.endswith(".cc") else ["-x", "c", "-std=gnu11"]
    return index.parse(name, language + options + compilers_headers(),
                       [(name, text)], flags)


def parse(headers, options, suffix, kind):
    """What is declared, as a dictionary of that kind, and what is wrong."""
    name = "modiso-bind" + suffix
    unit = read_unit(name, "\n".join(include_lines(headers)) + "\n", options,
                     TranslationUnit.PARSE_SKIP_FUNCTION_BODIES)
    wrong = ["%s: %s" % (headers[-1] if (each.location.file and
                                    each.location.file.name == name)
                         else place(each.location), each.spelling)
             for each in unit.diagnostics
             if each.severity >= Diagnostic.Error]
    return kind(unit.cursor), wrong
