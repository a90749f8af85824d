//! The files in which the bodies of scripts lie, beside the files that define something.

use core_model::library::ScriptLanguage;
use core_toml::{Document, Entry, Node};

use crate::{FileRole, SourceFile};

/// Tables whose keys people name themselves: `file` in them is none of ours.
const OPAQUE: &[&str] = &["default", "parameters"];

/// The paths of all scripts that these definitions name, each once, as far as they lead into the
/// folder. Whoever reads a folder reads these besides, and gives them to [`read`](crate::read).
#[must_use]
pub fn script_paths(files: &[SourceFile]) -> Vec<String> {
    let mut found = Vec::new();
    for file in files.iter().filter(|file| file.role == FileRole::Definitions) {
        let document = Document::parse(&file.path, &file.text);
        for kind in ["software", "task"] {
            let tables = document.root.get(kind).map(Node::items).unwrap_or_default();
            tables.iter().for_each(|table| named(table, &mut found, &file.path));
        }
    }
    found.sort();
    found.dedup();
    found
}

fn named(node: &Node, found: &mut Vec<String>, beside: &str) {
    for Entry { key, node, .. } in node.entries() {
        match node.text() {
            Some(file) if key == "file" => found.extend(resolve(beside, file).ok()),
            _ if OPAQUE.contains(&key.as_str()) => {}
            _ => named(node, found, beside),
        }
    }
    node.items().iter().for_each(|item| named(item, found, beside));
}

/// The path of a script that a file names, below the folder of the library.
///
/// # Errors
/// In words, where it does not stay in the folder.
pub(crate) fn resolve(beside: &str, file: &str) -> Result<String, &'static str> {
    let drive = file.as_bytes().get(1) == Some(&b':');
    if file.contains('\\') || drive {
        return Err("a path of a script is written with `/`, and begins at no drive");
    }
    if file.starts_with('/') {
        return Err("a path of a script begins at the file that names it, and not at the root");
    }
    if file.trim().is_empty() || file.ends_with('/') || file.contains(char::is_control) {
        return Err("this names no file");
    }
    // What is read by itself may lie anywhere: its own path stays as it is.
    let (root, beside) = match beside.strip_prefix('/') {
        Some(rest) => ("/", rest),
        None => ("", beside),
    };
    let mut parts: Vec<&str> = beside.split('/').collect();
    parts.pop();
    for part in file.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop().ok_or("this leads out of the folder of the library")?;
            }
            _ => parts.push(part),
        }
    }
    Ok(format!("{root}{}", parts.join("/")))
}

/// The language that the end of a file's name says.
pub(crate) fn language_of(path: &str) -> Option<ScriptLanguage> {
    let name = path.rsplit('/').next().unwrap_or(path);
    match name.rsplit_once('.')?.1.to_ascii_lowercase().as_str() {
        "ps1" => Some(ScriptLanguage::PowerShell),
        "cmd" | "bat" => Some(ScriptLanguage::Cmd),
        "sh" => Some(ScriptLanguage::Sh),
        _ => None,
    }
}

/// The end of the name of a file that is written, with its dot.
pub(crate) fn extension(language: &ScriptLanguage) -> &'static str {
    match language {
        ScriptLanguage::PowerShell => ".ps1",
        ScriptLanguage::Cmd => ".cmd",
        ScriptLanguage::Sh => ".sh",
        ScriptLanguage::Interpreter(_) => ".txt",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_lies_in_the_folder_or_is_none() {
        let rows = [
            ("software.toml", "install.ps1", Ok("install.ps1")),
            ("reader/software.toml", "./a/../install.ps1", Ok("reader/install.ps1")),
            ("reader/software.toml", "../common/x.cmd", Ok("common/x.cmd")),
            ("/home/x/draft.toml", "a.sh", Ok("/home/x/a.sh")),
        ];
        for (beside, file, path) in rows {
            assert_eq!(resolve(beside, file), path.map(str::to_owned), "{file}");
        }
        for file in
            ["../x", "a/../../x", "/etc/passwd", "C:\\x", "c:x", "", " ", "a/", "a\n", "..\\x"]
        {
            assert!(resolve("software.toml", file).is_err(), "{file}");
        }
    }

    #[test]
    fn the_scripts_that_definitions_name_are_found_wherever_they_are() {
        let text = "
            [[software]]
            name = 'a'
            install = { file = 'b.ps1' }
            detect = { script = { file = 'a.ps1' } }
            parameters = [{ name = 'p', default = { file = 'no' } }]
            [[software.versions]]
            version = '1'
            uninstall = { file = '../c.ps1' }
            [[task]]
            name = 't'
            script = { file = 'b.ps1' }
            test = { file = '../../out' }
            [[deployment]]
            parameters = { x = { file = 'no' } }";
        let files =
            [SourceFile::new("one/a.toml", text), SourceFile::script("x.ps1", "file = 'no'")];
        assert_eq!(script_paths(&files), ["c.ps1", "one/a.ps1", "one/b.ps1"]);
    }

    #[test]
    fn the_end_of_a_name_says_the_language() {
        for word in ["powershell", "cmd", "sh"] {
            let language = ScriptLanguage::of_word(word).unwrap();
            let path = format!("a/install{}", extension(&language));
            assert_eq!(language_of(&path), Some(language));
        }
        assert_eq!(language_of("INSTALL.BAT"), Some(ScriptLanguage::Cmd));
        assert_eq!(language_of("a.ps1/install"), None);
    }
}
