// SPDX-License-Identifier: MIT
//! Asks pkg-config where libmodiso is.
//!
//! PKG_CONFIG names another pkg-config, PKG_CONFIG_PATH where it looks.
//! MODISO_STATIC=1 links the static library.

use std::env;
use std::process::{exit, Command};

fn fail(why: &str) -> ! {
    eprintln!(
        "modiso-sys: {why}; install libmodiso, or name the directory of \
         libmodiso.pc in PKG_CONFIG_PATH (of a build tree: \
         libmodiso-uninstalled.pc)"
    );
    exit(1)
}

fn main() {
    for name in [
        "PKG_CONFIG",
        "PKG_CONFIG_PATH",
        "PKG_CONFIG_DISABLE_UNINSTALLED",
        "MODISO_STATIC",
    ] {
        println!("cargo:rerun-if-env-changed={name}");
    }
    let linked = env::var_os("MODISO_STATIC").map_or("dylib", |_| "static");
    let tool = env::var("PKG_CONFIG").unwrap_or_else(|_| "pkg-config".into());
    let mut command = Command::new(&tool);
    command.args(["--libs", "libmodiso"]);
    if linked == "static" {
        command.arg("--static");
    }
    let output = match command.output() {
        Ok(output) => output,
        Err(why) => fail(&format!("{tool} cannot be run: {why}")),
    };
    if !output.status.success() {
        fail(String::from_utf8_lossy(&output.stderr).trim());
    }
    for word in String::from_utf8_lossy(&output.stdout).split_whitespace() {
        if let Some(directory) = word.strip_prefix("-L") {
            println!("cargo:rustc-link-search=native={directory}");
        } else if word == "-lmodiso" {
            println!("cargo:rustc-link-lib={linked}=modiso");
        } else if let Some(library) = word.strip_prefix("-l") {
            println!("cargo:rustc-link-lib={library}");
        }
    }
}
