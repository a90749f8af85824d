//! The files that definitions are kept in: reading them from the disk, and what they say beside what
//! the hub has.

use std::fs;
use std::path::{Path, PathBuf};

use core_library::{Inputs, Library, Names, SourceFile};
use core_toml::Problems;

use crate::config::laid_out;
use crate::failure::Failure;
use crate::world::World;

mod scripts;

/// Folders within folders that are read; deeper ones lead in a circle.
const DEEPEST: usize = 16;

/// The files of a folder, or one of them, and what they are read with.
pub(crate) struct Files {
    /// The files.
    pub(crate) files: Vec<SourceFile>,
    names: Names,
}

impl Files {
    /// Reads one file, whatever it is called.
    ///
    /// # Errors
    /// Where it cannot be read (exit code 2).
    pub(crate) fn one(path: &Path, world: &World) -> Result<Self, Failure> {
        // The scripts that it names are found by its path, whose parts are told apart by `/`.
        let shown = path.display().to_string().replace(std::path::MAIN_SEPARATOR, "/");
        if path.is_dir() {
            let what = format!("{shown} is a folder, and this previews one file");
            return Err(Failure::usage(what).with_remedy(format!(
                "`linchpin plan {shown}` shows what a whole folder changes"
            )));
        }
        let text = fs::read_to_string(path)
            .map_err(|error| Failure::usage(format!("reading {shown}: {error}")))?;
        let mut files = vec![SourceFile::new(&shown, &text)];
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        files.extend(scripts::beside(&files, Path::new(""), folder.unwrap_or(Path::new("."))));
        Ok(Self { files, names: core_snapshot::names(&world.loaded.input) })
    }

    /// These files, whose texts are there.
    pub(crate) fn of_texts(mut files: Vec<SourceFile>, world: &World) -> Self {
        files.sort();
        Self { files, names: core_snapshot::names(&world.loaded.input) }
    }

    /// Reads every `*.toml` of a folder and below, and the scripts in it that these name; what
    /// begins with a dot is left out.
    ///
    /// # Errors
    /// Where there is none, or one cannot be read (exit code 2).
    pub(crate) fn of_folder(folder: &Path, world: &World) -> Result<Self, Failure> {
        let mut files = Vec::new();
        walk(folder, "", 0, &mut files)?;
        if files.is_empty() {
            let what = format!("there is no *.toml file in {}", folder.display());
            // Applied, an empty folder would remove every definition.
            return Err(Failure::usage(what)
                .with_remedy("name the folder of the library; `linchpin export DIR` writes one"));
        }
        files.extend(scripts::beside(&files, folder, folder));
        files.sort();
        Ok(Self { files, names: core_snapshot::names(&world.loaded.input) })
    }

    /// What the files define, beside what the hub has.
    ///
    /// # Errors
    /// Every mistake with its place (exit code 2).
    pub(crate) fn library(&self, world: &World, now_us: i64) -> Result<Library, Failure> {
        core_library::read(&self.files, &self.names, &world.loaded.library, now_us)
            .map_err(|problems| refused(&problems))
    }

    /// The same, with everything that the files do not define as the hub has it.
    ///
    /// # Errors
    /// Every mistake with its place (exit code 2).
    pub(crate) fn library_over(&self, world: &World, now_us: i64) -> Result<Library, Failure> {
        core_library::read_over(&self.files, &self.names, &world.loaded.library, now_us)
            .map_err(|problems| refused(&problems))
    }

    /// What a plan is made from.
    pub(crate) fn inputs(&self, world: &World) -> Inputs {
        let event = u64::try_from(world.loaded.event).unwrap_or_default();
        Inputs::new(&world.loaded.library, &self.files, event)
    }

    /// What is different, in words.
    pub(crate) fn changes(&self, world: &World, after: &Library) -> Vec<core_library::Change> {
        core_library::diff(&world.loaded.library, after, &self.names)
    }
}

fn walk(
    folder: &Path,
    below: &str,
    depth: usize,
    files: &mut Vec<SourceFile>,
) -> Result<(), Failure> {
    let failed = |doing: &str, path: &Path, error: &std::io::Error| {
        Failure::usage(format!("{doing} {}: {error}", path.display()))
    };
    if depth > DEEPEST {
        return Err(Failure::usage(format!(
            "{} is more than {DEEPEST} folders deep",
            folder.display()
        )));
    }
    let entries = fs::read_dir(folder).map_err(|error| failed("reading", folder, &error))?;
    for entry in entries {
        let path: PathBuf = entry.map_err(|error| failed("reading", folder, &error))?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
        if name.starts_with('.') {
            continue;
        }
        let place = if below.is_empty() { name.to_owned() } else { format!("{below}/{name}") };
        if path.is_dir() {
            walk(&path, &place, depth + 1, files)?;
        } else if path.extension().is_some_and(|extension| extension == "toml") {
            let text =
                fs::read_to_string(&path).map_err(|error| failed("reading", &path, &error))?;
            files.push(SourceFile::new(&place, &text));
        }
    }
    Ok(())
}

fn refused(problems: &[Problems]) -> Failure {
    let count: usize = problems.iter().map(|file| file.list().len()).sum();
    let noun = if count == 1 { "mistake" } else { "mistakes" };
    let files = if problems.len() == 1 { "file" } else { "files" };
    let what = format!("{count} {noun} in {} {files}; nothing was read", problems.len());
    let mut text: String = problems.iter().map(laid_out).collect();
    text.push_str(&format!("error: {what}"));
    let listed = problems.iter().flat_map(Problems::json).collect();
    Failure::usage(what).with_report(text, listed)
}
