# SPDX-License-Identifier: MIT
"""trace_rules.py SCHEMA FILE NAME - is FILE a trace that viewers take?

The schema has the form; here is what it has no words for: which members each
phase wants, and that what is on one track is nested or apart.
"""

import json, os, subprocess, sys

schema, path, name = sys.argv[1:]
with open(path, encoding="utf-8") as file:
    trace = json.load(file)
line = path + ".line"
with open(line, "w", encoding="utf-8") as file:
    json.dump(trace, file)
subprocess.run([sys.executable, os.path.join(os.path.dirname(__file__),
                                             "json_schema.py"), schema, line],
               check=True)

WANTED = {"X": {"ts", "dur", "cat"}, "B": {"ts", "cat"},
          "i": {"ts", "s", "cat"}, "M": {"args"}}
tracks = {}
for event in trace["traceEvents"]:
    missing = WANTED[event["ph"]] - set(event)
    assert not missing, (event, missing)
    if event["ph"] == "M":
        assert event["name"] == "thread_name"
        assert isinstance(event["args"]["name"], str)
    else:
        tracks.setdefault(event["tid"], []).append(event)

# A thousandth of a microsecond is what the numbers are rounded to.
SLACK = 0.002
for events in tracks.values():
    around = []
    last = 0
    for event in events:
        assert event["ts"] >= last, "in order of their beginning"
        last = event["ts"]
        while around and around[-1] <= event["ts"] + SLACK:
            around.pop()
        if event["ph"] == "X":
            end = event["ts"] + event["dur"]
            assert not around or end <= around[-1] + SLACK, event
            around.append(end)

events = [event for track in tracks.values() for event in track]
named = [event["name"] for event in events]
assert named.count("answer") == (6 if name == "whole" else 5), named
assert any(event["args"].get("module") == 'wor"ker' for event in events)
assert any(event["ph"] == "i" and event["name"] == "fault: access"
           for event in events)
opened = [event["name"] for event in events if event["ph"] == "B"]
assert opened == ([] if name == "whole" else ["work", "die"]), opened
