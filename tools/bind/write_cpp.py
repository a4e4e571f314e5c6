# SPDX-License-Identifier: MIT
"""Bindings for C++17, over <modiso/bind.hpp>."""

import os

from header import Function, join, pointer_to


def tainted(to):
    """What stands for one object that a module may have written."""
    return "::modiso::tainted<%s>" % to.text.rstrip()


def element(parameter):
    to = parameter.type.to
    return tainted(to) if parameter.is_tainted() else to.text


def plain(of):
    """As a function is declared with it."""
    if of.kind == "callback":
        return "std::add_pointer_t<%s>" % callback_type(of)
    if of.kind == "pointer":
        return pointer_to(of.to, of.to.constant)
    return of.text


def callback_type(of):
    return "%s(%s)" % (plain(of.result), ", ".join(map(plain, of.arguments)))


def declared(parameter):
    """The parameter as the host gives it."""
    of = parameter.type
    name = parameter.name
    if of.kind == "callback":
        return "const ::modiso::callback<%s> &%s" % (callback_type(of), name)
    if of.kind != "pointer":
        return join(of.text, name)
    if parameter.how == "module":
        return "::modiso::tainted<%s> %s" % (
            pointer_to(of.to, of.to.constant), name)
    if parameter.how == "string":
        return "const char *" + name
    constant = parameter.how == "in"
    text = ("const " if constant else "") + element(parameter)
    return text + ("" if text.endswith("*") else " ") + "*" + name


def factors(of_what):
    for of, pointed in of_what:
        if isinstance(of, int):
            yield str(of)
        elif pointed:
            how = ".unverified()" if of.how != "in" else ""
            yield "(%s ? (*%s)%s : 0)" % (of.name, of.name, how)
        elif isinstance(of, Function):
            yield "*value_"
        else:
            yield of.name


def count(parameter):
    if not parameter.length:
        return "1"
    return "::modiso::count_of(%s)" % ", ".join(factors(parameter.length))


def count_back(parameter):
    if not parameter.used:
        return count(parameter)
    return "::modiso::used_of(%s)" % ", ".join(factors(parameter.used))


def given(parameter, loans):
    """The argument as the gate takes it."""
    of = parameter.type
    name = parameter.name
    if of.kind == "callback":
        return name + ".pointer()"
    if of.kind != "pointer":
        return name
    if parameter.how == "module":
        return name + ".unverified()"
    lent = "loans_[%d]" % loans.index(parameter)
    if of.to.kind == "void":
        return lent
    return "static_cast<%s>(%s)" % (pointer_to(of.to, of.to.constant), lent)


def returned(result):
    if result.kind == "void":
        return "void"
    if result.kind == "pointer":
        return "::modiso::tainted<%s>" % pointer_to(result.to, result.to.constant)
    return "::modiso::tainted<%s>" % result.text


def lend(number, parameter):
    name = parameter.name
    if parameter.how == "string":
        return "loans_.string(%d, %s)" % (number, name)
    way = {"in": "MODISO_LOAN_IN", "out": "MODISO_LOAN_OUT",
           "inout": "MODISO_LOAN_IN | MODISO_LOAN_OUT"}[parameter.how]
    return "loans_.open(%d, %s, %s, %s)" % (
        number, name, count(parameter), way)


def scoped(function):
    return function.scope + function.name


def write_call(function, write):
    loans = [each for each in function.parameters
             if each.how in ("in", "out", "inout", "string")]
    back = [each for each in loans if each.how in ("out", "inout")]
    arguments = ["const Sandbox_ &sandbox_"] + \
        [declared(each) for each in function.parameters]
    write("/* %s: %s */" % (
        os.path.basename(function.where), function.text))
    write("template <> struct binding<&%s> {" % scoped(function))
    write("\tstatic constexpr const char *name = \"%s\";" %
          function.exported())
    write("\ttemplate <class Sandbox_>")
    write("\tstatic result<%s>" % returned(function.result))
    write("\tcall(%s)" % (",\n\t     ".join(arguments)))
    write("\t{")
    if loans:
        write("\t\t::modiso::loans<%d> loans_(sandbox_);" % len(loans))
        write("\t\tint code_;\n")
        for number, each in enumerate(loans):
            write("\t\tcode_ = %s;" % lend(number, each))
            write("\t\tif (code_ != MODISO_OK)")
            write("\t\t\treturn ::modiso::error(code_);")
    write("\t\tconst auto value_ = sandbox_.template gate<")
    write("\t\t\t&%s>()(%s);" % (
        scoped(function), ",".join("\n\t\t\t\t" + given(each, loans)
                                for each in function.parameters)))
    write("\t\tif (!value_)")
    write("\t\t\treturn value_.error();")
    # What says how much came back is there first.
    for each in sorted(back, key=lambda one: bool(one.length)):
        write("\t\tcode_ = loans_.back(%d, %s, %s);" % (
            loans.index(each), each.name, count_back(each)))
        write("\t\tif (code_ != MODISO_OK)")
        write("\t\t\treturn ::modiso::error(code_);")
    if function.result.kind == "void":
        write("\t\treturn {};")
    else:
        write("\t\treturn %s(*value_);" % returned(function.result))
    write("\t}")
    write("};\n")


def objects(types):
    """Classes that only the module knows, in what is pointed to as well."""
    for each in types:
        if each.kind == "object":
            yield each.text
        yield from objects(filter(None, [each.to, each.result] +
                                  each.arguments))


def write_declarations(functions, write):
    """Of functions that no header of C++ has, and what their objects are."""
    wrapped = [each for each in functions if each.wrapper]
    for each in sorted(set(objects(
            type_ for function in wrapped for type_ in
            [function.result] + [one.type for one in function.parameters]))):
        write("struct %s; /* the module's alone */" % each)
    # clang++ -g wants the address of what a template is named after.
    for each in wrapped:
        write("[[gnu::weak]] %s\n%s(%s);" % (
            plain(each.result), each.name, ", ".join(
                join(plain(one.type), one.name) for one in each.parameters)))
    if wrapped:
        write("")


def write_all(name, includes, functions, head, write):
    write("/* %s */" % head)
    write("#ifndef %s_SANDBOX_HPP" % name.upper())
    write("#define %s_SANDBOX_HPP\n" % name.upper())
    write("#include <modiso/bind.hpp>\n")
    for each in includes:
        write(each)
    write("")
    write_declarations(functions, write)
    write("namespace modiso {\n")
    for each in functions:
        write_call(each, write)
    write("}\n")
    write("/* The library, with these functions of it. */")
    write("using %s_sandbox =\n\t::modiso::sandbox<%s>;\n" % (
        name, (",\n\t\t\t  ".join("&" + scoped(each) for each in functions))))
    write("#endif")
