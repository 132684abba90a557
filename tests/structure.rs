//! The shape of the source tree: layers import only downward, `unsafe` stays
//! in the C binding, files stay readable, nothing is left half done.

// Slices here are cut where a search in the same text ended.
#![allow(clippy::indexing_slicing, clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};

/// The layers from the bottom. Modules of one line may import each other.
const LAYERS: &[&[&str]] = &[
    &["error", "limits", "outcome", "time"],
    &["crypto"],
    &["wire"],
    &["x509"],
    &["envelope"],
    &["trust"],
    &["policy"],
    &["evidence"],
    &["revocation"],
    &["timestamp"],
    &["checks"],
    &["oci"],
    &["verifier", "session", "report"],
    &["registry"],
    &["sign"],
    &["io"],
];

/// Where `unsafe` may stand: the C ABI.
const UNSAFE_ALLOWED: &str = "bindings/c";

/// Lines of one file under src. A file past 500 has a seam; past this it is
/// not read any more.
const MAX_LINES: usize = 700;

/// Words of unfinished work, as they must not stand in src, comments included.
const UNFINISHED: &[&str] = &["TODO", "FIXME", "XXX", "todo!", "unimplemented!"];

/// Folders that hold no source of ours.
const NOT_OURS: &[&str] = &["target", ".git", "node_modules", "obj"];

#[test]
fn the_tree_keeps_its_shape() {
    let (files, problems) = check(Path::new(env!("CARGO_MANIFEST_DIR")));
    assert!(
        problems.is_empty(),
        "{} problems:\n{}",
        problems.len(),
        problems.join("\n")
    );
    assert!(files >= 10, "only {files} files seen: is this the project?");
}

#[test]
fn each_rule_fails_on_a_bad_tree() {
    let root = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| {
        let path = root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write("src/lib.rs", "pub mod wire;\npub use crate::session::X;\n");
    write("src/x509/mod.rs", "use crate::{error::Error, policy};\n");
    write("src/x509/chain.rs", "fn f() { crate::session::run() }\n");
    write("src/x509/up.rs", "use super::super::checks::Facts;\n");
    write("src/trust.rs", "use super::io;\n");
    write("src/wire.rs", "use crate::novelty::Thing;\n");
    write("src/policy.rs", "use crate::Verifier;\n");
    write("src/checks/a.rs", &"//\n".repeat(MAX_LINES + 1));
    write("src/outcome.rs", "// a note: FIXME later\n");
    write("src/io.rs", "fn f() { unsafe { g() } }\n");
    write("bindings/c/src/lib.rs", "fn f() { unsafe { g() } }\n");
    write("src/bin/tool/main.rs", "use crate::args;\n");
    // Nothing of this counts: comments, texts, downward and sideways imports.
    write(
        "src/envelope/good.rs",
        "//! [`x`](crate::session::X)\n/* use crate::io; /* */ */\n\
         use crate::{error, x509::{self, Chain}};\nuse super::cose;\n\
         const A: &str = \"unsafe crate::io \\\" crate::bin\";\n\
         const B: &str = r#\"crate::io\"#;\nconst C: char = '\"';\nfn f<'a>() {}\n",
    );

    let (files, problems) = check(root.path());
    let expected = [
        "src/checks/a.rs: 701 lines",
        "src/io.rs:1: `unsafe` outside bindings/c",
        "src/outcome.rs:1: `FIXME` is unfinished work",
        "src/policy.rs:1: `crate::Verifier` is no layer",
        "src/trust.rs:1: `trust` imports `io` from above",
        "src/wire.rs:1: `crate::novelty` is no layer",
        "src/x509/chain.rs:1: `x509` imports `session` from above",
        "src/x509/mod.rs:1: `x509` imports `policy` from above",
        "src/x509/up.rs:1: `x509` imports `checks` from above",
    ];
    for (problem, start) in problems.iter().zip(expected) {
        assert!(problem.starts_with(start), "`{problem}` is not `{start}`");
    }
    assert_eq!(problems.len(), expected.len(), "{problems:#?}");
    assert_eq!(files, 13);
}

/// The number of files looked at, and what is wrong with them, sorted.
fn check(root: &Path) -> (usize, Vec<String>) {
    let mut files = Vec::new();
    collect(root, &mut files);
    let mut problems = Vec::new();
    for path in &files {
        let name = path.strip_prefix(root).unwrap();
        let name = name.to_string_lossy().replace('\\', "/");
        check_file(&name, &fs::read_to_string(path).unwrap(), &mut problems);
    }
    problems.sort();
    (files.len(), problems)
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            if !NOT_OURS.contains(&name.as_str()) {
                collect(&path, files);
            }
        } else if name.ends_with(".rs") {
            files.push(path);
        }
    }
}

fn check_file(name: &str, text: &str, problems: &mut Vec<String>) {
    let code = code_only(text);
    let line_of = |offset: usize| 1 + code[..offset].matches('\n').count();
    if !name.starts_with(UNSAFE_ALLOWED) {
        for offset in words(&code, "unsafe") {
            problems.push(format!(
                "{name}:{}: `unsafe` outside {UNSAFE_ALLOWED}",
                line_of(offset)
            ));
        }
    }
    let Some(module) = name.strip_prefix("src/") else {
        return;
    };
    let lines = text.lines().count();
    if lines > MAX_LINES {
        problems.push(format!("{name}: {lines} lines: find a seam"));
    }
    for (number, line) in text.lines().enumerate() {
        for word in UNFINISHED.iter().filter(|word| line.contains(**word)) {
            problems.push(format!(
                "{name}:{}: `{word}` is unfinished work",
                number + 1
            ));
        }
    }
    // lib.rs is the one list of what is public: it names everything. Commands
    // are crates of their own, above the library.
    if module == "lib.rs" || module.starts_with("bin/") {
        return;
    }
    let path = module_path(module);
    let own = path.first().map_or("", String::as_str);
    let Some(own_level) = level(own) else {
        problems.push(format!("{name}: `{own}` is in no layer: add it to LAYERS"));
        return;
    };
    for (offset, target) in imports(&code, path.len()) {
        match level(&target) {
            Some(level) if level <= own_level => {}
            Some(_) => problems.push(format!(
                "{name}:{}: `{own}` imports `{target}` from above",
                line_of(offset)
            )),
            None => problems.push(format!(
                "{name}:{}: `crate::{target}` is no layer: import by module, or add it to LAYERS",
                line_of(offset)
            )),
        }
    }
}

fn level(module: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&module))
}

/// `x509/chain.rs` is `x509::chain`, `x509/mod.rs` is `x509`.
fn module_path(file: &str) -> Vec<String> {
    let mut path: Vec<String> = file.split('/').map(str::to_owned).collect();
    let last = path.pop().unwrap_or_default();
    if last != "mod.rs" {
        path.push(last.trim_end_matches(".rs").to_owned());
    }
    path
}

/// The top-level names that a file reaches through `crate::`, and through as
/// many `super::` as lead to the root from a file `depth` modules deep.
fn imports(code: &str, depth: usize) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for offset in words(code, "crate") {
        if let Some(rest) = code[offset + "crate".len()..].strip_prefix("::") {
            first_names(rest, |name| found.push((offset, name)));
        }
    }
    let climb = "super::".repeat(depth);
    for offset in words(code, "super") {
        // An inner module of the file climbs once more: not followed.
        if code[..offset].ends_with("::") {
            continue;
        }
        if let Some(rest) = code[offset..].strip_prefix(climb.as_str())
            && !rest.starts_with("super")
        {
            // From a nested `mod tests` one `super` is the file itself, so
            // only names that are layers can be meant here.
            first_names(rest, |name| {
                if level(&name).is_some() {
                    found.push((offset, name));
                }
            });
        }
    }
    found
}

/// The first names of a path, or of each path in a group `{a, b::{c, d}}`.
fn first_names(rest: &str, mut found: impl FnMut(String)) {
    let name = |text: &str| -> String {
        text.chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect()
    };
    let Some(group) = rest.strip_prefix('{') else {
        found(name(rest));
        return;
    };
    let mut nesting = 0;
    let mut at_start = true;
    for (index, c) in group.char_indices() {
        match c {
            '{' => nesting += 1,
            '}' if nesting == 0 => return,
            '}' => nesting -= 1,
            ',' if nesting == 0 => at_start = true,
            c if at_start && nesting == 0 && !c.is_whitespace() => {
                at_start = false;
                let name = name(&group[index..]);
                if name != "self" {
                    found(name);
                }
            }
            _ => {}
        }
    }
}

/// The offsets of a whole word.
fn words<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(word).filter_map(move |(offset, _)| {
        let before = code[..offset].chars().next_back();
        let after = code[offset + word.len()..].chars().next();
        (!before.is_some_and(part) && !after.is_some_and(part)).then_some(offset)
    })
}

/// The text with comments and the insides of string and character literals
/// blanked; offsets of lines stay.
fn code_only(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let length = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            block_comment(rest)
        } else if c == '"' {
            string(rest)
        } else if let Some(length) = raw_string(rest, &out) {
            length
        } else if let Some(length) = character(rest) {
            length
        } else {
            out.push(c);
            rest = &rest[c.len_utf8()..];
            continue;
        };
        let blank = rest[..length].chars().filter(|c| *c == '\n');
        out.push(' ');
        out.extend(blank);
        rest = &rest[length..];
    }
    out
}

fn block_comment(text: &str) -> usize {
    let mut depth = 0;
    let mut index = 0;
    while index < text.len() {
        if text[index..].starts_with("/*") {
            depth += 1;
            index += 2;
        } else if text[index..].starts_with("*/") {
            depth -= 1;
            index += 2;
            if depth == 0 {
                return index;
            }
        } else {
            index += text[index..].chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

fn string(text: &str) -> usize {
    let mut escaped = false;
    for (index, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return index + 1,
            _ => {}
        }
    }
    text.len()
}

fn raw_string(text: &str, before: &str) -> Option<usize> {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    // `b` of `br"..."` may already be out; any other letter is a name's.
    let name = before.trim_end_matches('b');
    if name.chars().next_back().is_some_and(part) {
        return None;
    }
    let body = text.strip_prefix('r')?;
    let hashes = body.len() - body.trim_start_matches('#').len();
    body[hashes..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    let start = 1 + hashes + 1;
    let close = text[start..].find(&end)?;
    Some(start + close + end.len())
}

/// The length of a character literal; `None` for a lifetime.
fn character(text: &str) -> Option<usize> {
    let body = text.strip_prefix('\'')?;
    if body.starts_with('\\') {
        let close = body[2..].find('\'')?;
        return Some(1 + 2 + close + 1);
    }
    let c = body.chars().next()?;
    body[c.len_utf8()..]
        .starts_with('\'')
        .then(|| 2 + c.len_utf8())
}
