// SPDX-License-Identifier: MIT
//! The declarations are what the C headers say, in both directions: a field, a
//! number or a function that one side has and the other has not is an error.
//!
//! $CC compiles (cc), MODISO_CFLAGS or pkg-config says where the headers are.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::fmt::Write;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

fn run(program: &str, arguments: &[String]) -> String {
    let done = Command::new(program)
        .args(arguments)
        .output()
        .unwrap_or_else(|why| panic!("{program}: {why}"));
    let errors = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{program} {arguments:?}: {errors}");
    String::from_utf8(done.stdout).unwrap()
}

fn cflags() -> Vec<String> {
    match env::var("MODISO_CFLAGS") {
        Ok(flags) => words(&flags),
        Err(_) => {
            let tool = env::var("PKG_CONFIG");
            let tool = tool.unwrap_or_else(|_| "pkg-config".into());
            words(&run(&tool, &words("--cflags libmodiso")))
        }
    }
}

fn cc(arguments: &[String]) -> String {
    let command = words(&env::var("CC").unwrap_or_else(|_| "cc".into()));
    let all = [&command[1..], &cflags()[..], arguments].concat();
    run(&command[0], &all)
}

fn scratch(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name)
}

/// The public headers as the compiler reads them, without comments; but for
/// record.h, which has the form of a file that no function takes.
fn headers(name: &str) -> String {
    let source = scratch(name);
    fs::write(&source, "#include <modiso.h>\n").unwrap();
    let found = cc(&["-M".into(), source.display().to_string()]);
    let mut text = String::new();
    for path in found.replace("\\\n", " ").split_whitespace() {
        if path.contains("/modiso/") && !path.ends_with("/record.h") {
            text += &fs::read_to_string(path).unwrap();
        }
    }
    while let Some(begin) = text.find("/*") {
        let end = begin + text[begin..].find("*/").unwrap() + 2;
        text.replace_range(begin..end, "");
    }
    assert!(text.contains("struct modiso_fault {"));
    text
}

#[test]
fn sizes_offsets_and_numbers() {
    let mut program = String::from(
        "#include <modiso.h>\n#include <stdio.h>\nint main(void)\n{\n",
    );
    let mut expected = String::new();
    modiso_sys::layouts(|name, size, fields| {
        writeln!(expected, "{name} {size}").unwrap();
        writeln!(program, "printf(\"{name} %zu\\n\", sizeof(struct {name}));")
            .unwrap();
        for (field, offset, size) in fields {
            writeln!(expected, "{name}.{field} {offset} {size}").unwrap();
            writeln!(
                program,
                "printf(\"{name}.{field} %zu %zu\\n\", \
                 offsetof(struct {name}, {field}), \
                 sizeof(((struct {name} *)0)->{field}));"
            )
            .unwrap();
        }
    });
    for (name, value) in modiso_sys::NUMBERS {
        writeln!(expected, "{name} {value}").unwrap();
        writeln!(program, "printf(\"{name} %lld\\n\", (long long)({name}));")
            .unwrap();
    }
    program += "return 0;\n}\n";
    let source = scratch("layout.c");
    let binary = scratch("layout");
    fs::write(&source, program).unwrap();
    cc(&[
        "-o".into(),
        binary.display().to_string(),
        source.display().to_string(),
    ]);
    let found = run(&binary.display().to_string(), &[]);
    let (found, expected) = (found.lines(), expected.lines());
    for (found, expected) in found.clone().zip(expected.clone()) {
        assert_eq!(found, expected);
    }
    assert_eq!(found.count(), expected.count());
}

/// A new field can lie where padding was, and change no size.
#[test]
fn every_structure_and_field() {
    let text = headers("fields.c");
    let mut found = BTreeMap::new();
    for part in text.split("\nstruct ").skip(1) {
        let (name, body) = match part.split_once(" {\n") {
            Some(pair) if !pair.0.contains(char::is_whitespace) => pair,
            _ => continue,
        };
        let body = &body[..body.find("\n}").unwrap()];
        let fields: Vec<String> = body
            .split(';')
            .filter(|line| !line.trim().is_empty())
            .map(|line| {
                let line = line.split('[').next().unwrap();
                let last = line.split_whitespace().last().unwrap();
                last.trim_start_matches('*').to_owned()
            })
            .collect();
        found.insert(name.to_owned(), fields);
    }
    let mut known = BTreeMap::new();
    modiso_sys::layouts(|name, _, fields| {
        let fields = fields.iter().map(|field| field.0.to_owned()).collect();
        known.insert(name.to_owned(), fields);
    });
    assert_eq!(found, known);
}

#[test]
fn every_number() {
    let text = headers("numbers.c");
    let mut found = BTreeSet::new();
    for line in text.lines() {
        let mut words = line.split_whitespace();
        let (first, second, third) = (words.next(), words.next(), words.next());
        let name = match (first, second, third) {
            (Some("#define"), Some(name), Some(value))
                if value.starts_with(|c: char| {
                    c == '(' || c == '\\' || c.is_ascii_digit()
                }) =>
            {
                name
            }
            (Some(name), Some("="), _) => name,
            _ => continue,
        };
        let version = name.starts_with("MODISO_VERSION_");
        let takes_arguments = name.contains('(');
        if name.starts_with("MODISO_") && !version && !takes_arguments {
            found.insert(name);
        }
    }
    let known = modiso_sys::NUMBERS.iter().map(|number| number.0).collect();
    assert_eq!(found, known);
}

#[test]
fn every_function() {
    let text = headers("functions.c");
    let mut found = BTreeMap::new();
    let parts = text.split("MODISO_API ").skip(1);
    // What it stands for itself is no declaration.
    for part in parts.filter(|part| !part.starts_with("__")) {
        let declaration = &part[..part.find(';').unwrap()];
        let (head, arguments) = declaration.split_once('(').unwrap();
        let name = head.split_whitespace().last().unwrap();
        let count = match arguments.trim_end_matches(')') {
            "void" => 0,
            arguments => arguments.matches(',').count() + 1,
        };
        let name = name.trim_start_matches('*');
        if name.starts_with("modiso_") {
            found.insert(name, count);
        }
    }
    let known = modiso_sys::FUNCTIONS.iter().copied().collect();
    assert_eq!(found, known);
}
