# SPDX-License-Identifier: MIT
"""modiso-bind: typed wrappers of a library in a module, from its header."""

import os
import re
import subprocess
import sys
import tempfile
from io import StringIO

# The one table of exit codes; modiso-bind(1) says what they mean.
DONE, REFUSED, USAGE, NO_PARSE, NO_LIBCLANG = range(5)
# Names of files in C++: a host's header, and a source of the module.
FOR_CXX = r"\.(hpp|hh|hxx|H)$"
FOR_MODULE = r"\.(cc|cpp|cxx|C)$"


def say(text):
    print("modiso-bind: " + text, file=sys.stderr)


class Usage(Exception):
    pass


class Wishes:
    def __init__(self, words):
        self.outputs, self.parser, self.functions = [], [], []
        self.before = []
        self.name = self.image = self.header = None
        self.linked = []
        self.exports = False
        self.read(words)

    def read(self, words):
        words = list(words)
        while words:
            word = words.pop(0)
            if word == "--":
                self.linked = words
                break
            option, equals, value = word.partition("=")
            if option in ("--functions", "--image", "--include", "--name"):
                if not equals:
                    value = self.following(word, words)
                self.option(option, value)
            elif word in ("-o", "-I", "-D", "-U", "-isystem"):
                value = self.following(word, words)
                if word == "-o":
                    self.outputs.append(value)
                else:
                    self.parser += [word, value]
            elif re.match("-[IDU].", word):
                self.parser.append(word)
            elif word == "--exports":
                self.exports = True
            elif word.startswith("-"):
                raise Usage("%s is no option" % word)
            elif self.header is None:
                self.header = word
            else:
                self.functions.append(word)
        if self.header is None:
            raise Usage("no header is named")
        if not self.functions:
            raise Usage("no function is named")
        self.parser += self.read_as(self.linked)
        if self.linked and not self.image:
            raise Usage("what stands behind -- is for --image")
        if self.name is None:
            stem = os.path.basename(self.header).split(".", 1)[0]
            self.name = re.sub(r"\W", "_", stem)
        if not re.fullmatch(r"[A-Za-z_]\w*", self.name):
            raise Usage("%s is no name of C: say --name" % self.name)

    @staticmethod
    def read_as(linked):
        """Of modiso-cc's options those that say how a header is read."""
        found, before = [], None
        for word in linked:
            if before in ("-I", "-D", "-U", "-isystem"):
                found += [before, word]
                before = None
            elif re.match("-[IDU].", word):
                found.append(word)
            else:
                before = word
        return found

    def headers(self):
        return self.before + [self.header]

    def check_outputs(self, cxx):
        for each in self.outputs:
            if cxx and not re.search(FOR_CXX + "|" + FOR_MODULE, each):
                import reasons
                raise Usage(reasons.FOR_CXX % each)

    @staticmethod
    def following(word, words):
        if not words:
            raise Usage("%s needs what follows it" % word)
        return words.pop(0)

    def option(self, option, value):
        if option == "--functions":
            import rules
            try:
                with open(value, encoding="utf-8") as file:
                    self.functions += rules.words_of(file.read())
            except (OSError, UnicodeError) as error:
                raise Usage("%s cannot be read: %s" % (value, error)) \
                    from error
        elif option == "--include":
            self.before.append(value)
        elif option == "--image":
            self.image = value
        else:
            self.name = value


def head_of(wishes):
    return "Made by modiso-bind from %s: change that, or what was said of it." \
        % wishes.header


def write_file(wishes, name, functions, head):
    import header
    import wrap
    import write_c
    import write_cpp
    import write_module
    text = StringIO()

    def write(line):
        text.write(line + "\n")

    if re.search(FOR_MODULE, name):
        write_module.write_all(wishes.headers(), functions, head, write)
    else:
        writer = write_cpp if re.search(FOR_CXX, name) else write_c
        writer.write_all(wishes.name, header.include_lines(wishes.headers()),
                         functions, head, write)
    try:
        with open(name, "w", encoding="utf-8") as file:
            file.write(wrap.wrap(text.getvalue()))
    except OSError as error:
        raise Usage("%s cannot be written: %s" % (name, error)) from error


def exports_of(functions):
    """As modiso-cc takes them: a ? says that it may be missing."""
    return ",".join(("?" if each.perhaps else "") + each.exported()
                    for each in functions)


def make_image(wishes, functions):
    compiler = os.environ.get("MODISO_BIND_CC", "modiso-cc")
    command = ["--export=" + exports_of(functions), "-o", wishes.image]
    with tempfile.TemporaryDirectory(prefix="modiso-bind.") as scratch:
        if any(each.wrapper for each in functions):
            compiler = re.sub("modiso-cc$", "modiso-c++", compiler)
            command.append(os.path.join(scratch, wishes.name + "_module.cc"))
            write_file(wishes, command[-1], functions, head_of(wishes))
        try:
            done = subprocess.run([compiler] + command + wishes.linked,
                                  check=False)
        except OSError as error:
            say("%s cannot be run: %s" % (compiler, error))
            return REFUSED
    if done.returncode != 0:
        say("%s was not made: modiso-cc ended with %d" % (
            wishes.image, done.returncode))
        return REFUSED
    return DONE


def those_there(path, functions):
    """Without those of patterns that the image has not."""
    import reasons
    try:
        done = subprocess.run(["nm", "-D", "--defined-only", path],
                              capture_output=True, text=True, check=False)
    except OSError as error:
        raise Usage("nm cannot be run: %s" % error) from error
    if done.returncode != 0:
        raise Usage("%s cannot be read: %s" % (
            path, done.stderr.strip() or "nm says nothing of it"))
    names = {line.split()[-1].split("@")[0]
             for line in done.stdout.splitlines()}
    there = [each for each in functions if each.exported() in names]
    missing = [reasons.NO_EXPORT % (path, each.exported())
               for each in functions if not each.perhaps and each not in there]
    used = {each.perhaps for each in there}
    missing += [reasons.NO_EXPORTS % (path, each) for each in
                sorted({each.perhaps for each in functions} - used - {""})]
    for each in missing:
        say(each)
    return None if missing else there


def make(wishes, functions):
    if wishes.linked:
        code = make_image(wishes, functions)
        if code != DONE:
            return code
    if wishes.image:
        functions = those_there(wishes.image, functions)
        if functions is None:
            return REFUSED
    for name in wishes.outputs:
        write_file(wishes, name, functions, head_of(wishes))
    if wishes.exports:
        print(exports_of(functions))
    return DONE


def run(words):
    try:
        import header
    except ImportError as error:
        say("Python's bindings of libclang are not there (%s): install the "
            "Debian package python3-clang" % error)
        return NO_LIBCLANG
    import classes
    import rules
    wishes = Wishes(words)
    try:
        groups = rules.group(wishes.functions)
    except ValueError as error:
        raise Usage(str(error)) from error
    cxx = any(rules.is_cxx(word) for word, _ in groups)
    wishes.check_outputs(cxx)
    try:
        declared, wrong = header.parse(
            wishes.headers(), wishes.parser, *(
                (".cc", classes.Declared) if cxx else (".c", header.Declared)))
    except ImportError as error:
        say("libclang is not there (%s): install the Debian package "
            "python3-clang" % error)
        return NO_LIBCLANG
    if wrong:
        for each in wrong:
            say(each)
        say("%s does not parse as %s, so nothing is made of it%s" % (
            wishes.header, "C++" if cxx else "C", "" if cxx else
            ": what is of C++ is named with ::"))
        return NO_PARSE
    functions, complaints, left = rules.bind_all(
        wishes.header, declared, groups)
    if cxx:
        functions, more, out = classes.that_compile(
            wishes.headers(), wishes.parser, functions)
        complaints += more
        left += out
    for each in complaints or left:
        say(each)
    return REFUSED if complaints else make(wishes, functions)


def main():
    try:
        return run(sys.argv[1:])
    except Usage as error:
        say("%s; try modiso-bind --help" % error)
        return USAGE


if __name__ == "__main__":
    sys.exit(main())
