//! Reads files into a library: every mistake of every file at its place, or else everything.
//!
//! First each file is compared with the schema (keys, types, words), and the names that it defines
//! are collected; then each definition is read, and what it names is looked up. A part that the
//! schema refused is passed over in silence, for it was told already. Whatever is wrong, nothing is
//! given back but the mistakes.

use std::collections::{BTreeMap, HashSet};
use std::ops::Range;

use core_model::id::{DeploymentId, ExpectationId, ScheduleId, SoftwareId, TagId, TaskId};
use core_model::library::{Deployment, ItemId, Parameter, TaskCategory, handle};
use core_toml::{Document, Node, Problem, Problems, compare, printable};
use serde_json::Value;

use crate::language::schema;
use crate::library::Library;
use crate::names::Names;
use crate::{FileRole, SourceFile};

mod checks;
mod deployment;
mod expectation;
mod items;
mod parameters;
mod prerequisites;
mod reference;
mod rings;
mod schedule;
mod script;
mod settings;
mod software;
mod state;
mod target;
mod task;
mod version;

pub(crate) use self::script::usual_context;
pub(crate) use self::state::written;
pub(crate) use self::target::KEY;

/// A place: the number of the file, and the bytes in it.
#[derive(Clone, Debug)]
struct Place {
    file: usize,
    span: Range<usize>,
}

/// A table of a file.
#[derive(Clone, Copy)]
struct Table<'a> {
    file: usize,
    node: &'a Node,
}

impl<'a> Table<'a> {
    fn get(&self, key: &str) -> Option<&'a Node> {
        self.node.get(key)
    }

    fn text(&self, key: &str) -> Option<&'a str> {
        self.get(key).and_then(Node::text)
    }

    fn flag(&self, key: &str) -> bool {
        self.get(key).is_some_and(|node| node.json() == Value::Bool(true))
    }

    fn number(&self, key: &str) -> Option<i64> {
        self.get(key).and_then(|node| node.json().as_i64())
    }

    fn items(&self, key: &str) -> &'a [Node] {
        self.get(key).map(Node::items).unwrap_or_default()
    }

    fn place(&self, key: &str) -> Place {
        let node = self.get(key).unwrap_or(self.node);
        Place { file: self.file, span: node.span.clone() }
    }
}

/// A definition by its name.
struct Defined<I> {
    id: I,
    created_us: i64,
    name: String,
    /// Where a file defines it; none of what stays as the hub has it.
    place: Option<Place>,
}

/// The definitions of one kind, by handle.
type Handles<I> = BTreeMap<String, Defined<I>>;

struct Reader<'a> {
    names: &'a Names,
    known: &'a Library,
    /// Every text that the known library says, ids among them: these may be said again, though
    /// what they name is gone at its source.
    mentioned: HashSet<String>,
    now_us: i64,
    documents: &'a [Document],
    found: Vec<Vec<Problem>>,
    /// A file is no TOML, so that it is not known what is defined.
    partial: bool,
    /// What the files do not define stays as the hub has it.
    over: bool,
    software: Handles<SoftwareId>,
    tasks: Handles<TaskId>,
    tags: Handles<TagId>,
    deployments: Handles<DeploymentId>,
    schedules: Handles<ScheduleId>,
    expectations: Handles<ExpectationId>,
    /// Tasks that take part in onboarding runs only.
    for_onboarding: HashSet<TaskId>,
    categories: BTreeMap<TaskId, (TaskCategory, bool)>,
    /// The bodies of scripts that lie in files of their own, by path.
    scripts: BTreeMap<&'a str, &'a SourceFile>,
    /// The parameters that items define, and the tasks that configure software.
    parameters: BTreeMap<ItemId, Vec<Parameter>>,
    configurations: BTreeMap<SoftwareId, TaskId>,
    /// Where items say what must be so before.
    prerequisites: BTreeMap<ItemId, Place>,
    /// What may be a secret, and is not shown.
    hidden: Vec<Place>,
}

/// Reads the files of a library. What is in `known` under the same name keeps its id and the time
/// at which it was created; what is new is created at `now_us` (Unix microseconds).
///
/// # Errors
/// Every mistake of every file, by file in the order of their paths.
pub fn read(
    files: &[SourceFile],
    names: &Names,
    known: &Library,
    now_us: i64,
) -> Result<Library, Vec<Problems>> {
    read_files(files, names, known, now_us, false)
}

/// The same of files that are not the whole library: what they do not define stays as it is in
/// `known`, and they may name it. What they define is wholly as they say.
///
/// # Errors
/// Every mistake of every file. What stays is not read again.
pub fn read_over(
    files: &[SourceFile],
    names: &Names,
    known: &Library,
    now_us: i64,
) -> Result<Library, Vec<Problems>> {
    read_files(files, names, known, now_us, true)
}

fn read_files(
    files: &[SourceFile],
    names: &Names,
    known: &Library,
    now_us: i64,
    over: bool,
) -> Result<Library, Vec<Problems>> {
    let mut sources: Vec<&SourceFile> = files.iter().collect();
    sources.sort();
    let (definitions, scripts): (Vec<&SourceFile>, Vec<&SourceFile>) =
        sources.into_iter().partition(|file| file.role == FileRole::Definitions);
    let documents: Vec<Document> =
        definitions.iter().map(|file| Document::parse(&file.path, &file.text)).collect();
    let mut reader = Reader::new(names, known, now_us, &documents);
    reader.scripts = scripts.into_iter().map(|file| (file.path.as_str(), file)).collect();
    reader.over = over;
    reader.compare_shapes();
    reader.collect_names();
    let library = reader.library();
    let (found, hidden) = (reader.found, reader.hidden);
    if found.iter().all(Vec::is_empty) {
        return Ok(library.sorted());
    }
    let wrong = documents.iter().enumerate().zip(found).filter(|(_, found)| !found.is_empty());
    let told = wrong.map(|((file, document), found)| {
        let hidden = hidden.iter().filter(|place| place.file == file);
        let shown = masked(&document.text(), hidden.map(|place| place.span.clone()));
        Problems::new(&document.clone().shown_as(shown), found)
    });
    Err(told.collect())
}

/// The text with these parts made unreadable; every other byte stays where it was.
fn masked(text: &str, parts: impl Iterator<Item = Range<usize>>) -> String {
    let mut shown = text.to_owned();
    for part in parts {
        // A line break stays: whatever is shown is shown by its lines.
        let stars = |c: char| if c == '\n' { "\n".to_owned() } else { "*".repeat(c.len_utf8()) };
        let Some(hidden) = text.get(part.clone()) else { continue };
        shown.replace_range(part, &hidden.chars().map(stars).collect::<String>());
    }
    shown
}

impl<'a> Reader<'a> {
    fn new(names: &'a Names, known: &'a Library, now_us: i64, documents: &'a [Document]) -> Self {
        let mut mentioned = HashSet::new();
        texts(&serde_json::to_value(known).unwrap_or_default(), &mut mentioned);
        Self {
            names,
            known,
            mentioned,
            now_us,
            documents,
            found: vec![Vec::new(); documents.len()],
            partial: documents.iter().any(|document| !document.broken.is_empty()),
            over: false,
            software: Handles::new(),
            tasks: Handles::new(),
            tags: Handles::new(),
            deployments: Handles::new(),
            schedules: Handles::new(),
            expectations: Handles::new(),
            for_onboarding: HashSet::new(),
            categories: BTreeMap::new(),
            scripts: BTreeMap::new(),
            parameters: BTreeMap::new(),
            configurations: BTreeMap::new(),
            prerequisites: BTreeMap::new(),
            hidden: Vec::new(),
        }
    }

    fn say(&mut self, place: &Place, what: impl Into<String>, label: &'static str, help: &str) {
        let problem = Problem::new(place.span.clone(), what).label(label).help(help);
        if let Some(found) = self.found.get_mut(place.file) {
            found.push(problem);
        }
    }

    /// `rules/a.toml:12`.
    fn line(&self, place: &Place) -> String {
        match self.documents.get(place.file) {
            Some(document) => {
                format!("{}:{}", document.name(), document.place(place.span.start).0)
            }
            None => String::new(),
        }
    }

    fn compare_shapes(&mut self) {
        let schema = schema();
        for (document, found) in self.documents.iter().zip(&mut self.found) {
            // In a text that is no TOML, what else is wrong is guesswork.
            *found = match document.broken.is_empty() {
                true => compare(&document.root, &schema, "the file"),
                false => document.broken.clone(),
            };
        }
    }

    /// The tables of a kind, in all files.
    fn tables(&self, kind: &str) -> Vec<Table<'a>> {
        let readable = |(_, document): &(usize, &'a Document)| document.broken.is_empty();
        let files = self.documents.iter().enumerate().filter(readable);
        let tables = files.flat_map(|(file, document)| {
            let nodes = document.root.get(kind).map(Node::items).unwrap_or_default();
            nodes.iter().map(move |node| Table { file, node })
        });
        tables.collect()
    }

    fn collect_names(&mut self) {
        let known = self.known;
        let made = known.software.iter().map(|one| (&*one.name, one.id, 0)).collect();
        self.software = self.collect("software", "pieces of software", made);
        let made = known.tasks.iter().map(|one| (&*one.name, one.id, 0)).collect();
        self.tasks = self.collect("task", "tasks", made);
        let made = known.tags.iter().map(|one| (&*one.name, one.id, 0)).collect();
        self.tags = self.collect("tag", "tags", made);
        let made = known.deployments.iter();
        let made = made.map(|one| (&*one.name, one.id, one.created_us)).collect();
        self.deployments = self.collect("deployment", "deployments", made);
        let made = known.schedules.iter().map(|one| (&*one.name, one.id, one.created_us)).collect();
        self.schedules = self.collect("schedule", "schedules", made);
        let made = known.expectations.iter().map(|one| (&*one.name, one.id, 0)).collect();
        self.expectations = self.collect("expect", "golden cases", made);
    }

    /// The names that tables of a kind define; two of one name are told. What the hub has under
    /// other names is there too, where it stays.
    fn collect<K: core_model::id::Kind>(
        &mut self,
        kind: &str,
        several: &str,
        known: Vec<(&str, core_model::Id<K>, i64)>,
    ) -> Handles<core_model::Id<K>> {
        let known: BTreeMap<String, (&str, core_model::Id<K>, i64)> =
            known.into_iter().map(|one| (handle(one.0), one)).collect();
        let mut handles: Handles<core_model::Id<K>> = Handles::new();
        for table in self.tables(kind) {
            let Some(name) = table.text("name") else { continue };
            let place = table.place("name");
            let handle = handle(name);
            if handle.is_empty() {
                self.say(&place, "a name must not be empty", "here", "give it one");
                continue;
            }
            if let Some(first) = handles.get(&handle) {
                let at = first.place.as_ref().map(|place| self.line(place)).unwrap_or_default();
                let name = printable(name.trim());
                let what = format!("there are two {several} named `{name}`: the first is at {at}");
                let help = "names are compared without case: give each its own, or remove one";
                self.say(&place, what, "the second", help);
                continue;
            }
            let (_, id, created_us) = known.get(&handle).copied().unwrap_or_else(|| {
                ("", core_model::Id::of_text(&handle, self.now_us), self.now_us)
            });
            let name = name.trim().to_owned();
            handles.insert(handle, Defined { id, created_us, name, place: Some(place) });
        }
        for (handle, (name, id, created_us)) in known.into_iter().filter(|_| self.over) {
            let stays = Defined { id, created_us, name: name.to_owned(), place: None };
            handles.entry(handle).or_insert(stays);
        }
        handles
    }

    fn library(&mut self) -> Library {
        let stays = self.stays();
        for task in &stays.tasks {
            self.categories.insert(task.id, (task.category, task.instances));
            self.parameters.insert(task.id.into(), task.parameters.clone());
        }
        for one in &stays.software {
            self.parameters.insert(one.id.into(), one.parameters.clone());
            self.configurations.extend(one.configuration.map(|task| (one.id, task)));
        }
        let tasks = self.read_tasks();
        let software = self.read_software();
        let tags = self.read_tags();
        let deployments = self.read_deployments();
        self.for_onboarding = stays
            .tasks
            .iter()
            .chain(&tasks)
            .filter(|one| one.onboarding_only)
            .map(|one| one.id)
            .collect();
        let schedules = self.read_schedules();
        let expectations = self.read_expectations();
        let tenants = self.read_tenants();
        let computers = self.read_computers();
        let all: Vec<&Deployment> = stays.deployments.iter().chain(&deployments).collect();
        self.find_duplicates(&all);
        self.hold_what_stays(&stays.deployments);
        let items = stays.software.iter().chain(&software);
        let items = items.map(|one| (one.id.into(), one.prerequisites.as_slice()));
        let others = stays.tasks.iter().chain(&tasks);
        let others = others.map(|one| (one.id.into(), one.prerequisites.as_slice()));
        self.find_circles(items.chain(others).collect());
        self.complete("software", software.len());
        self.complete("task", tasks.len());
        self.complete("tag", tags.len());
        self.complete("deployment", deployments.len());
        self.complete("schedule", schedules.len());
        self.complete("expect", expectations.len());
        self.complete("tenant", tenants.len());
        self.complete("computer", computers.len());
        stays.and(Library {
            software,
            tasks,
            tags,
            deployments,
            schedules,
            expectations,
            tenants,
            computers,
        })
    }

    /// What stays as the hub has it: nothing, unless the files are read over it. Settings are found
    /// to be defined anew when they are read.
    fn stays(&self) -> Library {
        fn kept<T: Clone, I>(all: &[T], handles: &Handles<I>, name: fn(&T) -> &str) -> Vec<T> {
            let stays = |one: &&T| {
                handles.get(&handle(name(one))).is_some_and(|defined| defined.place.is_none())
            };
            all.iter().filter(stays).cloned().collect()
        }
        if !self.over {
            return Library::default();
        }
        let known = self.known;
        Library {
            software: kept(&known.software, &self.software, |one| &one.name),
            tasks: kept(&known.tasks, &self.tasks, |one| &one.name),
            tags: kept(&known.tags, &self.tags, |one| &one.name),
            deployments: kept(&known.deployments, &self.deployments, |one| &one.name),
            schedules: kept(&known.schedules, &self.schedules, |one| &one.name),
            expectations: kept(&known.expectations, &self.expectations, |one| &one.name),
            tenants: known.tenants.clone(),
            computers: known.computers.clone(),
        }
    }
}

impl Reader<'_> {
    /// A definition is read or something is said about it. Should neither ever be so, that is a
    /// mistake of this program: better nothing is read than a rule is lost in silence.
    fn complete(&mut self, kind: &str, read: usize) {
        let tables = self.tables(kind);
        let silent = self.found.iter().all(Vec::is_empty);
        let Some(first) = tables.first().filter(|_| silent && tables.len() != read) else { return };
        let what = format!("of {} tables `{kind}` only {read} could be read", tables.len());
        let help = "this is a mistake of the program: please report it with these files";
        self.say(&first.place(""), what, "among these", help);
    }
}

fn texts(value: &Value, into: &mut HashSet<String>) {
    match value {
        Value::String(text) => {
            into.insert(text.clone());
        }
        Value::Array(items) => items.iter().for_each(|item| texts(item, into)),
        Value::Object(table) => table.values().for_each(|item| texts(item, into)),
        _ => {}
    }
}
