# SPDX-License-Identifier: MIT
"""json_schema.py SCHEMA FILE - is each line of FILE what SCHEMA describes?

Enough of JSON Schema for ours: an unknown word in it is an error.
"""

import json, re, sys

TYPES = {"object": dict, "array": list, "string": str, "null": type(None),
         "boolean": bool}

def is_type(value, name):
    if name == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, TYPES[name])

def check(value, schema, where):
    for word, rule in schema.items():
        if word in ("$comment", "$schema", "title", "description"):
            good = True
        elif word == "type":
            names = rule if isinstance(rule, list) else [rule]
            good = any(is_type(value, name) for name in names)
        elif word == "enum":
            good = value in rule
        elif word == "pattern":
            good = re.search(rule, value) is not None
        elif word == "minimum":
            good = value >= rule
        elif word == "required":
            good = value is None or all(name in value for name in rule)
        elif word == "additionalProperties":
            good = value is None or all(
                name in schema["properties"] for name in value)
        elif word == "properties":
            for name in value or {}:
                if name in rule:
                    check(value[name], rule[name], where + "." + name)
            good = True
        elif word == "items":
            for number, item in enumerate(value):
                check(item, rule, where + "[%d]" % number)
            good = True
        else:
            sys.exit("the schema has " + word)
        if not good:
            sys.exit("%s: %r is against %s %r" % (where, value, word, rule))

schema = json.load(open(sys.argv[1], encoding="utf-8"))
lines = open(sys.argv[2], encoding="utf-8").read().splitlines()
if not lines:
    sys.exit("no line to check")
for line in lines:
    check(json.loads(line), schema, "line")
# What the check is worth: a field less, one more, another type.
good = json.loads(lines[0])
wrongs = [{**good, "more": 1}]
wrongs += [{key: good[key] for key in good if key != name}
           for name in schema["required"]]
wrongs += [{**good, name: ["odd"]} for name in schema["required"]]
for wrong in wrongs:
    try:
        check(wrong, schema, "line")
    except (SystemExit, TypeError):
        continue
    sys.exit("the schema takes %r" % wrong)
