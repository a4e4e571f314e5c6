# SPDX-License-Identifier: MIT
"""Why something is refused: all sentences, in one place."""

BY_VALUE = ("%s is %s by value, and a gate passes words, floats and doubles: "
            "write a function of the module that takes a pointer to it")
NO_REGISTER = ("%s is %s, and a gate passes integers of up to 64 bits, "
               "pointers, floats and doubles")
VA_LIST = ("%s is a va_list, which is on the stack of whoever has called: "
           "write a function of the module without it")
VARIADIC = ("it has variable arguments, and a gate does not know which: write "
            "a function of the module without them")
NO_PROTOTYPE = ("it is declared without its arguments, and nobody knows what "
                "it takes: declare it with (void)")
UNNAMED = "%s has no name by which other code could call it"
JUMPS = ("it returns twice or leaves its caller, and a gate returns once: call "
         "it in the module")
DEFINED = ("it is defined in the header, so it is compiled into the host and "
           "no module has it")
RETURNS_FUNCTION = ("%s is a pointer to a function of the module, which the "
                    "host must not call")
MANY_WORDS = ("it has %d integers and pointers as arguments, and a gate passes "
              "sixteen")
MANY_NUMBERS = ("it has %d floats and doubles as arguments, and a gate passes "
                "eight")
CALLBACK_VARIADIC = ("%s is a pointer to a function with variable arguments, "
                     "and a service does not know which")
CALLBACK_NO_PROTOTYPE = ("%s is a pointer to a function that is declared "
                         "without its arguments")
CALLBACK_IN_CALLBACK = ("argument %d of %s is a pointer to a function of the "
                        "module, which the host must not call")

SEVERAL = "it is %s: say which one"
OVERLOADED = "only its arguments say which one is meant: %s"
FITS_NOT = "none has %s%s, there are %s"
TEMPLATE = ("it is a template, or of one, and has code only for the types of "
            "whoever calls it: write a function of the module that calls it")
CLASS = "it is a class: say what of it, as its constructor CLASS::CLASS"
NO_NAME = "no function of C beside it can have its name: say NAME=%s"
FOR_CXX = "%s: what is named in C++ is bound for C++: end with .hpp"

NO_FUNCTION = "%s: declares no function %s"
MEANT = "%s; %s, perhaps"
NO_PARAMETER = "%s is none of its arguments, which are %s"
NO_PARAMETERS = "%s is none of its arguments: it has none"
TWICE = "something is said of %s twice"
LISTED_TWICE = "it is named twice"
NAMED_TWICE = "its name, %s, is that of %s as well: say NAME=%s"
NOT_A_WAY = ("%s=%s: a pointer is passed as module, in, out, inout or string")
NO_POINTER = "%s is no pointer to data: it passes as it is"
LENGTH_WHERE = "%s=%s has no length: in, out and inout do"
STRING_OF = "%s points to %s, and a string is of char"
WRITES_CONSTANT = "%s points to what the function does not write"
VOID_LENGTH = "%s points to void: say how many bytes, %s=%s:LENGTH"
INCOMPLETE = ("%s points to %s, and the header does not say how large that is: "
              "it stays in the module")
OBJECT = "%s points to an object, %s, which stays in the module"
HOLDS_POINTERS = ("%s points to %s, which holds pointers (%s): a copy of them "
                  "leads nowhere on the other side. Let it stay in the module")
LENGTH_FORM = ("%s: a length is an argument (length, or @2), what one points to "
               "(*length), a number, or two of these with a * between them; of "
               "a second one, behind a colon, result is one as well")
LENGTH_INTEGER = "%s is no integer, and so no length of %s"
LENGTH_POINTEE = ("*%s is the length of %s: then %s is %s, and points to an "
                  "integer")
LENGTH_LARGE = "%s: no memory has that many bytes"
USED_WHERE = ("%s goes in, and nothing of it comes back: a second length is for "
              "out and inout")

LEFT_OUT = "%s is left out: %s"
NO_MATCH = "%s: no function of it can be bound as %s"
FITS_NONE = ("%s: %s: no function that can be bound has an argument %s that is a "
             "pointer")
NO_EXPORT = "%s exports no function %s"
NO_EXPORTS = "%s exports no function as %s"
