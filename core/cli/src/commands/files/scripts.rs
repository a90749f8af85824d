//! The scripts that definitions name: read from the disk, as far as they lie in the folder of the
//! library. Whatever cannot be taken is told where it is named.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use core_library::{SourceFile, script_paths};
use core_model::library::Script;

/// Reads the scripts that these files name, whose paths begin at `base`; none is read outside of
/// `folder`, however it is named or linked to.
pub(super) fn beside(files: &[SourceFile], base: &Path, folder: &Path) -> Vec<SourceFile> {
    let paths = script_paths(files);
    // What is not there is told as that where it is named.
    paths.iter().filter_map(|path| one(path, base, folder)).collect()
}

fn one(path: &str, base: &Path, folder: &Path) -> Option<SourceFile> {
    let Ok(place) = base.join(path).canonicalize() else { return None };
    let inside = folder.canonicalize().is_ok_and(|folder| place.starts_with(folder));
    if !inside {
        return Some(SourceFile::refused(path, "it leads out of the folder of the library"));
    }
    Some(match text(&place) {
        Ok(body) => SourceFile::script(path, &body),
        Err(why) => SourceFile::refused(path, &why),
    })
}

fn text(place: &Path) -> Result<String, String> {
    // What is no file, a pipe for one, may never end.
    if !place.is_file() {
        return Err("it is no file".to_owned());
    }
    let limit = Script::LARGEST_BODY;
    let file = File::open(place).map_err(|error| error.to_string())?;
    let mut bytes = Vec::new();
    file.take(limit as u64 + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if bytes.len() > limit {
        return Err(format!("it has more than {limit} bytes"));
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        format!("it is not UTF-8: byte {at} is the first that is none")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(files: &[SourceFile], path: &str) -> String {
        let found = files.iter().find(|file| file.path == path);
        match found.map(|file| &file.role) {
            Some(core_library::FileRole::Refused(why)) => why.clone(),
            other => panic!("{path}: {other:?}"),
        }
    }

    #[test]
    fn scripts_are_read_from_the_folder_and_from_nowhere_else() {
        let around = tempfile::tempdir().unwrap();
        let folder = around.path().join("rules");
        std::fs::create_dir_all(folder.join("reader/folder.ps1")).unwrap();
        let put = |path: &str, bytes: &[u8]| std::fs::write(folder.join(path), bytes).unwrap();
        put("reader/install.ps1", b"exit 0\r\n");
        put("latin.ps1", b"caf\xe9");
        put("large.ps1", &vec![b'x'; Script::LARGEST_BODY + 1]);
        put("most.ps1", &vec![b'x'; Script::LARGEST_BODY]);
        std::fs::write(around.path().join("secret"), "hunter2").unwrap();
        #[cfg(unix)]
        std::os::unix::fs::symlink(around.path().join("secret"), folder.join("link.ps1")).unwrap();
        let names = ["install.ps1", "folder.ps1", "../latin.ps1", "../large.ps1", "../most.ps1"];
        let names = names.iter().chain(&["../link.ps1", "../../secret", "gone.ps1"]);
        let tables: String = names
            .map(|name| format!("[[task]]\nname = '{name}'\nset = {{ file = '{name}' }}\n"))
            .collect();
        let found = beside(&[SourceFile::new("reader/a.toml", &tables)], &folder, &folder);
        let body =
            |path: &str| found.iter().find(|file| file.path == path).map(|file| file.text.len());
        assert_eq!(body("reader/install.ps1"), Some(8));
        assert_eq!(body("most.ps1"), Some(Script::LARGEST_BODY));
        assert_eq!(body("reader/gone.ps1"), None);
        assert!(refused(&found, "latin.ps1").contains("not UTF-8: byte 3"));
        assert!(refused(&found, "large.ps1").contains("more than 262144 bytes"));
        assert!(refused(&found, "reader/folder.ps1").contains("no file"));
        #[cfg(unix)]
        assert!(refused(&found, "link.ps1").contains("leads out"));
        assert!(found.iter().all(|file| !file.text.contains("hunter2")));
    }
}
