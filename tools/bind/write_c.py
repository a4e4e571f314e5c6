# SPDX-License-Identifier: MIT
"""Bindings for C11, over <modiso/bind.h>."""

import os

from header import Function, pointer_to


class Writer:
    """One header: types first, each when it is first needed."""

    def __init__(self, name, write):
        self.name = name
        self.write = write
        self.types = set()
        self.callbacks = {}

    def tainted(self, of):
        """struct NAME_tainted_TYPE; what it points to is never const."""
        name = "%s_tainted_%s" % (self.name, of.name)
        if name in self.types:
            return "struct " + name
        self.types.add(name)
        if of.kind == "pointer":
            member = pointer_to(of.to)
        else:
            # A module may leave any byte in a bool.
            member = "unsigned char " if of.kind == "bool" else of.text + " "
        self.write("struct %s {\n\t%sunverified;\n};" % (name, member))
        if of.kind == "pointer":
            self.pointer_functions(of, name)
        elif of.kind in ("integer", "number"):
            self.verify(of, name)
        self.write("")
        return "struct " + name

    def verify(self, of, name):
        text = of.text
        self.write(
            "/* What it is, if that is one of @least to @most: 0, or "
            "MODISO_ERR_INVAL. */")
        self.write("MODISO_MUST_CHECK static inline int")
        self.write("%s_verify_%s(struct %s value, %s least, %s most, "
                   "%s *out)" % (self.name, of.name, name, text, text, text))
        self.write("{")
        self.write("\tif (!(value.unverified >= least &&"
                   " value.unverified <= most))")
        self.write("\t\treturn MODISO_ERR_INVAL;")
        self.write("\t*out = value.unverified;")
        self.write("\treturn MODISO_OK;\n}")

    def pointer_functions(self, of, name):
        """Memory of the module: new, load, store, and numbers in a row."""
        to = of.to
        short = to.name
        if to.kind == "void" or not to.complete or to.kind == "pointer":
            return
        begin = "MODISO_MUST_CHECK static inline int\n%s_%%s_%s(" % (
            self.name, short)
        module = "struct modiso_module *module, "
        self.write("/* @count of them in the module's heap, zeroed; "
                   "modiso_heap_free() ends them. */")
        self.write(begin % "new" + module +
                   "size_t count, struct %s *out)" % name)
        self.write("{\n\tvoid *block_ = NULL;")
        self.write("\tint code_ = modiso_heap_alloc(module, "
                   "modiso_loan_count(count, sizeof(%s)), 0, "
                   "MODISO_HEAP_ZERO, &block_);\n" % to.text)
        self.write("\tif (code_ == MODISO_OK)")
        self.write("\t\tout->unverified = (%s)block_;" % pointer_to(to))
        self.write("\treturn code_;\n}")
        if to.kind in ("integer", "number"):
            for verb, copy, host in (("read", "in", ""),
                                     ("write", "out", "const ")):
                side = "to" if verb == "read" else "from"
                self.write(begin % verb + module +
                           "struct %s at, %s%s *%s, size_t count)" % (
                               name, host, to.text, side))
                order = (side, "at.unverified") if verb == "read" else \
                    ("at.unverified", side)
                self.write("{\n\treturn modiso_copy_%s(module, %s, %s, "
                           "modiso_loan_count(count, sizeof(%s)));\n}"
                           % (copy, *order, to.text))
            return
        self.write("")
        value = self.tainted(to)
        self.write(begin % "load" + module + "struct %s at, %s *out)" % (
            name, value))
        self.write("{\n\treturn modiso_copy_in(module, &out->unverified,"
                   " at.unverified,\n\t\t\t      sizeof(out->unverified));\n}")
        self.write(begin % "store" + module +
                   "struct %s at, const %s *from)" % (name, to.text))
        self.write("{\n\treturn modiso_copy_out(module, at.unverified, from,"
                   " sizeof(*from));\n}")

    def value_of(self, of, word):
        """What a module has left in a register, as a tainted structure."""
        if of.kind == "bool":
            return "(%s & 0xff) != 0" % word
        if of.kind == "pointer":
            return "(%s)%s" % (pointer_to(of.to), word)
        if of.kind == "number":
            return word
        return "(%s)%s" % (of.text, word)

    def callback(self, of, function, parameter):
        """struct NAME_callback_X, and NAME_CALLBACK_X that makes one."""
        key = (of.name or "%s_%s" % (function.name, parameter.name))
        if key in self.callbacks:
            return self.callbacks[key]
        made = "%s_callback_%s" % (self.name, key)
        self.callbacks[key] = "struct " + made
        tainted = [self.tainted(each) for each in of.arguments]
        if of.result.kind == "pointer":
            result = self.tainted(of.result)
            plain_result = pointer_to(of.result.to, of.result.to.constant)
        else:
            result = plain_result = of.result.text + " "
        result = result.rstrip() + " "
        inside = "%s(*inside)(%s);" % (plain_result, ", ".join(
            pointer_to(each.to, each.to.constant).rstrip()
            if each.kind == "pointer" else each.text
            for each in of.arguments) or "void")
        words = ["%s a%d_" % (each.text if each.kind == "number" else
                              "uintptr_t", number)
                 for number, each in enumerate(of.arguments)]
        call = "function_(%s)" % ", ".join(
            ["modiso_module_caller()"] +
            ["(%s){%s}" % (kind, self.value_of(each, "a%d_" % number))
             for number, (each, kind) in enumerate(zip(of.arguments, tainted))])
        if of.result.kind == "pointer":
            call += ".unverified"
        if of.result.kind != "void":
            call = "return " + call
        takes = ", ".join(["struct modiso_module *"] + tainted)
        count = sum(each.kind != "number" for each in of.arguments)
        flags = "MODISO_SERVICE_FLOAT" if of.result.kind == "number" else "0"
        self.write("""/*
 * %s_CALLBACK_%s(make, function) - defines make(), which makes a
 * service of a function of the host's, %s(%s).
 * The module is the one that calls. modiso_service_destroy() ends it.
 */
struct %s {
	struct modiso_service *service;
	%s /* of the module, %s_inside_NAME() */
}; /* both NULL: a null pointer */""" % (
    self.name.upper(), key, result, takes, made, inside, self.name))
        lines = [
            "#define %s_CALLBACK_%s(make, function)" % (
                self.name.upper(), key),
            "\tstatic %sMODISO_CALL make##_entry_(%s)" % (
                plain_result if of.result.kind == "pointer" else result,
                ", ".join(words) or "void"),
            "\t{",
            "\t\t%s(*const function_)(%s) = (function);" % (result, takes),
            "\t\t%s;" % call,
            "\t}",
            "\tstatic inline int make(const struct %s_sandbox *sandbox_,"
            % self.name,
            "\t\tconst char *name_, struct %s *out_)" % made,
            "\t{",
            "\t\treturn modiso_sandbox_service(&sandbox_->sandbox, name_,",
            "\t\t\t(modiso_fn)make##_entry_, %d, %s, &out_->service);" % (
                count, flags),
            "\t}",
            "\tstruct %s" % made,
        ]
        self.write(" \\\n".join(lines) + "\n")
        return "struct " + made


def element(writer, parameter):
    to = parameter.type.to
    return writer.tainted(to) if parameter.is_tainted() else to.text


def declared(writer, function, parameter):
    of, name = parameter.type, parameter.name
    if of.kind == "callback":
        return "%s %s" % (writer.callback(of, function, parameter), name)
    if of.kind != "pointer":
        return "%s %s" % (of.text, name)
    if parameter.how == "module":
        return "%s %s" % (writer.tainted(of), name)
    if parameter.how == "string":
        return "const char *" + name
    text = element(writer, parameter)
    return "%s%s%s*%s" % ("const " if parameter.how == "in" else "", text,
                          "" if text.endswith("*") else " ", name)


def factors(writer, of_what):
    for of, pointed in of_what:
        if isinstance(of, int):
            yield str(of)
        elif pointed:
            member = "%s->unverified" if of.how != "in" else "*%s"
            yield "(%s != NULL ? %%s%s : 0)" % (of.name, member % of.name)
        elif isinstance(of, Function):
            yield "%%s(%s)" % writer.value_of(of.result, "value_")
        else:
            yield "%s" + of.name


def count(writer, parameter):
    if not parameter.length:
        return "1"
    found = [each.replace("%s", "(size_t)")
             for each in factors(writer, parameter.length)]
    if len(found) == 1:
        return found[0]
    return "modiso_loan_count(%s)" % ", ".join(found)


def count_back(writer, parameter):
    if not parameter.used:
        return count(writer, parameter)
    found = ["modiso_loan_used(%s)" % each.replace("%s", "(long long)")
             for each in factors(writer, parameter.used)]
    if len(found) == 1:
        return found[0]
    return "modiso_loan_count(%s)" % ", ".join(found)


def size(writer, parameter):
    if parameter.type.to.kind == "void":
        return "1"
    return "sizeof(*%s)" % parameter.name


def given(parameter, loans):
    of, name = parameter.type, parameter.name
    if of.kind == "callback":
        return name + "_thunk_"
    if of.kind != "pointer":
        return name
    if parameter.how == "module":
        return name + ".unverified"
    return "loans_[%d].block" % loans.index(parameter)


def write_gate(writer, function):
    kind = function.result.kind
    result = function.result.text if kind in ("void", "number") else \
        "uintptr_t"
    arguments = []
    for each in function.parameters:
        arguments.append({"pointer": "const void *", "callback": "modiso_fn"}
                         .get(each.type.kind, each.type.text))
    writer.write("MODISO_TYPED_GATE(%s_gate_%s, %s,\n\t\t  %s);" % (
        writer.name, function.name, result, ", ".join(arguments) or "void"))


def write_call(writer, function):
    write = writer.write
    loans = [each for each in function.parameters
             if each.how in ("in", "out", "inout", "string")]
    back = [each for each in loans if each.how in ("out", "inout")]
    result = function.result
    parameters = ["const struct %s_sandbox *sandbox_" % writer.name] + \
        [declared(writer, function, each) for each in function.parameters]
    if result.kind != "void":
        parameters.append("%s *result_" % writer.tainted(result))
    write("/* %s: %s */" % (
        os.path.basename(function.where), function.text))
    write("MODISO_MUST_CHECK static inline int")
    write("%s_call_%s(%s)\n{" % (
        writer.name, function.name,
        (",\n\t\t").join(parameters)))
    if loans:
        write("\tstruct modiso_module *module_ = sandbox_->sandbox.module;")
        write("\tstruct modiso_loan loans_[%d] = {{NULL, 0, 0, false}};" % len(loans))
    for each in function.parameters:
        if each.type.kind == "callback":
            write("\tconst modiso_fn %s_thunk_ = %s.service == NULL ?\n"
                  "\t\t(modiso_fn)%s.inside :\n"
                  "\t\tmodiso_service_thunk(%s.service);" % (
                      each.name, each.name, each.name, each.name))
    if result.kind != "void":
        write("\t%s value_ = 0;" % (
            result.text if result.kind == "number" else "uintptr_t"))
    write("\tint code_ = MODISO_OK;\n")
    for number, each in enumerate(loans):
        way = {"in": "MODISO_LOAN_IN", "out": "MODISO_LOAN_OUT",
               "inout": "MODISO_LOAN_IN | MODISO_LOAN_OUT",
               "string": "MODISO_LOAN_IN"}[each.how]
        much = "modiso_loan_string(%s), 1" % each.name \
            if each.how == "string" else \
            "%s, %s" % (count(writer, each), size(writer, each))
        indent = "\t"
        if number:
            write("\tif (code_ == MODISO_OK)")
            indent = "\t\t"
        write("%scode_ = modiso_loan_open(module_, &loans_[%d], %s,\n"
              "%s\t%s,\n%s\t%s);" % (indent, number, each.name, indent, much,
                                     indent, way))
    deep = "\n\t\t\t" + ("\t" if loans else "")
    call = "sandbox_->%s.call(%s)" % (function.name, ",".join(
        deep + given(each, loans) for each in function.parameters))
    if result.kind != "void":
        call = "value_ = " + call
    indent = "\t"
    if loans:
        write("\tif (code_ == MODISO_OK)")
        indent = "\t\t"
    write("%scode_ = MODISO_TYPED_CALL(\n%s\t%s);" % (indent, indent, call))
    for each in sorted(back, key=lambda one: bool(one.length)):
        write("\tif (code_ == MODISO_OK)")
        write("\t\tcode_ = modiso_loan_back(module_, &loans_[%d], %s,\n"
              "\t\t\t%s);" % (loans.index(each), each.name,
                  count_back(writer, each)))
    if loans:
        write("\tmodiso_loans_close(module_, loans_, %d);" % len(loans))
    if result.kind != "void":
        write("\tif (code_ == MODISO_OK && result_ != NULL)")
        write("\t\tresult_->unverified = %s;" % writer.value_of(
            result, "value_"))
    write("\treturn code_;\n}\n")


def write_sandbox(writer, functions):
    write, name = writer.write, writer.name
    write("/* The library in a module, with these functions of it. */")
    write("struct %s_sandbox {\n\tstruct modiso_sandbox sandbox;" % name)
    for each in functions:
        write("\tstruct %s_gate_%s %s;" % (name, each.name, each.name))
    write("};\n")
    write("/* 0, or a code of modiso_sandbox_close(). */")
    write("static inline int %s_sandbox_close(struct %s_sandbox *sandbox_)\n{" % (
        name, name))
    for each in functions:
        write("\tmodiso_gate_destroy(sandbox_->%s.gate);" % each.name)
        write("\tsandbox_->%s.gate = NULL;" % each.name)
    write("\treturn modiso_sandbox_close(&sandbox_->sandbox);\n}\n")
    write("/* The image at @path_; 0, or a code of modiso_sandbox_open() or")
    write(" * modiso_image_gate(), and then nothing is left of it. */")
    write("MODISO_MUST_CHECK static inline int")
    write("%s_sandbox_open(struct %s_sandbox *sandbox_, const char *path_," % (
        name, name))
    write("\tconst struct modiso_sandbox_options *options_)\n{")
    write("\tint code_;\n")
    write("\tmemset(sandbox_, 0, sizeof(*sandbox_));")
    write("\tcode_ = modiso_sandbox_open(&sandbox_->sandbox, path_,"
          " options_);")
    write("\tif (code_ != MODISO_OK)\n\t\treturn code_;")
    for number, each in enumerate(functions):
        indent = "\t"
        if number:
            write("\tif (code_ == MODISO_OK)")
            indent = "\t\t"
        write("%scode_ = MODISO_TYPED_IMAGE_GATE(sandbox_->sandbox.image,\n"
              "%s\t\"%s\", NULL, &sandbox_->%s);" % (
                  indent, indent, each.exported(), each.name))
    write("\tif (code_ != MODISO_OK &&")
    write("\t    %s_sandbox_close(sandbox_) != MODISO_OK)" % name)
    write("\t\treturn code_;")
    write("\treturn code_;\n}\n")


def write_inside(writer, function):
    """A function of the module where it wants a pointer to one."""
    write, name = writer.write, writer.name
    write("/* %s() of the module, where that wants a pointer to one. */"
          % function.name)
    write("MODISO_MUST_CHECK static inline int")
    write("%s_inside_%s(const struct %s_sandbox *sandbox_, "
          "__typeof__(%s) **out_)\n{" % (
              name, function.name, name, function.name))
    write("\tvoid *address_ = NULL;")
    write("\tint code_ = modiso_image_symbol(sandbox_->sandbox.image, \"%s\","
          " &address_);\n" % function.exported())
    write("\tif (code_ == MODISO_OK)")
    write("\t\tmemcpy(out_, &address_, sizeof(*out_));")
    write("\treturn code_;\n}\n")


def write_all(name, includes, functions, head, write):
    writer = Writer(name, write)
    write("/* %s */" % head)
    write("#ifndef %s_SANDBOX_H" % name.upper())
    write("#define %s_SANDBOX_H\n" % name.upper())
    write("#include <modiso.h>\n#include <modiso/bind.h>\n")
    for each in includes:
        write(each)
    write("#include <stdbool.h>\n#include <string.h>\n")
    for each in functions:
        write_gate(writer, each)
    write("")
    write_sandbox(writer, functions)
    for each in functions:
        write_call(writer, each)
    for each in functions:
        if writer.callbacks and not each.symbol:
            write_inside(writer, each)
    write("#endif")
