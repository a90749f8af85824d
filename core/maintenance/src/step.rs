//! One step of a session: which script does it, what that is given, and what came of it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use core_model::id::{SoftwareId, VersionId};
use core_model::library::{
    Architecture, Download, ItemId, LicenceRequirement, Parameter, ParameterKind, Removal, Script,
    ScriptPurpose, Software, SoftwareVersion, Task, TaskMethod,
};
use core_plan::{Failure, FailureClass, Key, Outcome, Work};
use core_script::{Arguments, Caps, CommandShell, LastValue, Mask, ScriptError, Variables};
use serde_json::{Map, Value};

use crate::book::{Line, Said};
use crate::brief::Brief;
use crate::callback::Calls;
use crate::detect;
use crate::drive::Desk;
use crate::errand::{Came, Errand};
use crate::error::Result;
use crate::monitored;
use crate::outcome;
use crate::texts::{self, Text};

/// What is known when a step is done.
pub(crate) struct Here<'a> {
    pub(crate) brief: &'a Brief,
    /// Versions that scripts named.
    pub(crate) named: &'a BTreeMap<SoftwareId, Vec<SoftwareVersion>>,
    /// Where downloads lie, by version.
    pub(crate) files: &'a BTreeMap<VersionId, String>,
    /// Which version was found last, by software.
    pub(crate) found: &'a BTreeMap<SoftwareId, String>,
}

/// A script with what it is given.
pub(crate) struct Piece {
    pub(crate) body: Body,
    pub(crate) arguments: Arguments,
    pub(crate) limit_s: u32,
    /// How much comes back through a vendor, where it is not what comes back of any script.
    pub(crate) caps: Option<Caps>,
}

/// What is run.
pub(crate) enum Body {
    /// A script of the library.
    Library(Script),
    /// One of the engine's own, in the language of whatever way it takes.
    Own(Text),
}

impl Body {
    /// For a way with this shell; nothing where it has no such script.
    pub(crate) fn script(&self, shell: CommandShell) -> Option<Cow<'_, Script>> {
        match self {
            Body::Library(script) => Some(Cow::Borrowed(script)),
            Body::Own(text) => text.script(shell).map(Cow::Owned),
        }
    }

    /// The script, where it runs in the hub.
    pub(crate) fn in_hub(&self) -> Option<&Script> {
        match self {
            Body::Library(script) if script.context.in_hub() => Some(script),
            _ => None,
        }
    }

    fn ignores_hours(&self) -> bool {
        matches!(self, Body::Library(script) if script.ignores_business_hours)
    }
}

impl Piece {
    /// Whether it waits for the end of business hours where changes do.
    pub(crate) fn waits_for_hours(&self, work: &Work) -> bool {
        let changes =
            work.changes() || matches!(work, Work::PostInstall(_) | Work::PostUninstall(_));
        changes && !self.body.ignores_hours()
    }
}

impl Here<'_> {
    pub(crate) fn software(&self, id: SoftwareId) -> Option<&Software> {
        self.brief.catalogue.software(id)
    }

    fn version(&self, software: &Software, id: VersionId) -> Option<SoftwareVersion> {
        let named = self.named.get(&software.id).map(Vec::as_slice).unwrap_or_default();
        software.versions.iter().chain(named).find(|version| version.id == id).cloned()
    }

    /// What does a piece of work; a failure where nothing can.
    pub(crate) fn piece(&self, key: &Key, work: &Work) -> std::result::Result<Piece, Failure> {
        match key.item {
            ItemId::Software(id) => {
                let software = self.software(id).ok_or_else(|| gone("software"))?;
                self.of_software(key, software, work)
            }
            ItemId::Task(id) => {
                let task = self.brief.catalogue.task(id).ok_or_else(|| gone("task"))?;
                self.of_task(key, task, work)
            }
        }
    }

    fn of_software(
        &self,
        key: &Key,
        software: &Software,
        work: &Work,
    ) -> std::result::Result<Piece, Failure> {
        let version = version_of(work).and_then(|id| self.version(software, id));
        if let Work::Download(_) = work {
            let version = version.ok_or_else(|| gone("version"))?;
            return download(&version);
        }
        let purpose = work.purpose().ok_or_else(|| gone("script"))?;
        let mut script = software.script(purpose, version.as_ref());
        if purpose == ScriptPurpose::Uninstall {
            script = match software.removal(version.as_ref()) {
                Some(Removal::Script(script)) => Some(script),
                Some(Removal::Reported) => return self.reported(software),
                None => None,
            };
        }
        let script = script.ok_or_else(|| gone("script"))?.clone();
        let variables = Variables {
            desired_version: version.as_ref().map(|version| version.version.clone()),
            installer_path: version.as_ref().and_then(|one| self.files.get(&one.id)).cloned(),
            ..self.variables()
        };
        let mut defined: Vec<Parameter> = software.parameters.clone();
        let mut given =
            self.brief.given(key, &software.parameters, software.configuration.is_some());
        if software.licensing.requirement != LicenceRequirement::None
            && let Some(version) = &version
            && let Some(licence) =
                software.licensing.for_version(self.brief.tenant, &version.version)
        {
            // The hub gives it as it gives any secret.
            let value = Value::String(licence.value.to_string());
            given.insert("licence".to_owned(), value);
            defined.push(Parameter::new("licence", ParameterKind::Password));
        }
        let limit_s = script.limit_s(purpose);
        piece(script, &given, &defined, &variables, limit_s)
    }

    fn of_task(&self, key: &Key, task: &Task, work: &Work) -> std::result::Result<Piece, Failure> {
        let method = match work {
            Work::Get => TaskMethod::Get,
            Work::Set => TaskMethod::Set,
            _ => TaskMethod::Test,
        };
        let script = task.scripts.by_method(method).ok_or_else(|| gone("script"))?.clone();
        let variables = Variables { method: Some(method), ..self.variables() };
        let given = self.brief.given(key, &task.parameters, key.configures.is_some());
        let limit_s = script.limit_s(method.purpose());
        let caps = (*work == Work::Get).then_some(monitored::VENDOR_CAPS);
        Ok(Piece { caps, ..piece(script, &given, &task.parameters, &variables, limit_s)? })
    }

    /// Takes away what the computer itself says how to take away.
    fn reported(&self, software: &Software) -> std::result::Result<Piece, Failure> {
        let (how, with) = detect::question(software).ok_or_else(|| gone("detection"))?;
        let found = self.found.get(&software.id).map(String::as_str).unwrap_or_default();
        own(Text::Uninstall, &[("how", how), ("with", &with), ("found", found)])
    }

    fn variables(&self) -> Variables {
        let names = &self.brief.names;
        let reboot = serde_json::to_value(self.brief.settings.reboots).ok();
        Variables {
            reboot: reboot.and_then(|value| value.as_str().map(str::to_owned)),
            tenant: names.tenant.clone(),
            computer: names.computer.clone(),
            person: names.person.clone(),
            ..Variables::default()
        }
    }
}

/// One of the engine's own scripts.
pub(crate) fn own(text: Text, values: &[(&str, &str)]) -> std::result::Result<Piece, Failure> {
    let arguments = texts::given(values).map_err(|error| unfit(&error))?;
    Ok(Piece { body: Body::Own(text), arguments, limit_s: text.limit_s(), caps: None })
}

fn piece(
    script: Script,
    given: &Map<String, Value>,
    defined: &[Parameter],
    variables: &Variables,
    limit_s: u32,
) -> std::result::Result<Piece, Failure> {
    let defined: Vec<&Parameter> = defined.iter().collect();
    let arguments = Arguments::of(given, &defined, variables).map_err(|error| unfit(&error))?;
    Ok(Piece { body: Body::Library(script), arguments, limit_s, caps: None })
}

fn unfit(error: &ScriptError) -> Failure {
    Failure::new(FailureClass::Definition, error.to_string())
}

fn gone(what: &str) -> Failure {
    let message = format!("its {what} is not there any more: it was changed while it was at work");
    Failure::new(FailureClass::Definition, message)
}

pub(crate) fn version_of(work: &Work) -> Option<VersionId> {
    match work {
        Work::Download(id) | Work::Install(id) | Work::Upgrade(id) | Work::PostInstall(id) => {
            Some(*id)
        }
        Work::Test(id) | Work::Uninstall(id) | Work::PostUninstall(id) | Work::Repair(id) => *id,
        Work::Detect | Work::Get | Work::Set => None,
    }
}

fn download(version: &SoftwareVersion) -> std::result::Result<Piece, Failure> {
    let Some(download) = &version.download else {
        let message = format!("version {} has nothing to download", version.version);
        return Err(Failure::new(FailureClass::Definition, message));
    };
    let values = [
        ("url", download.url.as_str()),
        ("sha256", download.sha256.as_deref().unwrap_or_default()),
        ("file", &file_name(download)),
        ("id", &version.id.to_string()),
    ];
    own(Text::Download, &values)
}

/// The name that a file is kept under: no path, and nothing that a shell of Windows minds.
fn file_name(download: &Download) -> String {
    let of_url = || {
        let path = download.url.split(['?', '#']).next().unwrap_or_default();
        path.rsplit('/').next().unwrap_or_default().to_owned()
    };
    let name = download.file_name.clone().unwrap_or_else(of_url);
    let plain =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ' ' | '(' | ')' | '+');
    let name: String = name.chars().map(|c| if plain(c) { c } else { '_' }).collect();
    match name.trim_matches(['.', ' ']) {
        "" => "installer".to_owned(),
        name => name.to_owned(),
    }
}

/// What is called what where a script of this work failed.
pub(crate) fn class_of(work: &Work) -> FailureClass {
    match work {
        Work::Download(_) => FailureClass::Download,
        Work::Detect | Work::Test(_) | Work::Get => FailureClass::Read,
        _ => FailureClass::Install,
    }
}

/// Runs a piece, and keeps what it said without its secrets.
///
/// # Errors
/// Where the session is put down.
pub(crate) async fn run(
    (desk, calls): (&Desk<'_>, Calls<'_>),
    line: &mut Line,
    piece: &Piece,
    reads: bool,
) -> Result<(Came, Mask)> {
    let secrets = desk.keys.values(piece.arguments.secrets()).await?;
    let Ok(mask) = Mask::of(secrets.values()) else {
        let why = "its secrets are too long to be kept out of what it prints".to_owned();
        return Ok((Came::Refused(why), Mask::default()));
    };
    let (came, instead, mask) = match piece.body.in_hub() {
        Some(script) => {
            let what = (script, piece, reads);
            let here = desk.hubside.run((desk, calls), line, what, &secrets).await?;
            (here.came, here.instead, here.mask)
        }
        None => {
            let errand = Errand {
                body: &piece.body,
                arguments: &piece.arguments,
                limit_s: piece.limit_s,
                reads,
                caps: piece.caps,
            };
            (errand.run(desk, line).await?, None, mask)
        }
    };
    let before = std::mem::take(&mut line.said);
    line.said = Said {
        reports: before.reports,
        result: before.result,
        ..outcome::said(&came, &mask, before.way)
    };
    Ok((instead.unwrap_or(came), mask))
}

/// What came of a piece of work on an item.
pub(crate) fn outcome_of(work: &Work, came: &Came, mask: &Mask) -> Outcome {
    let outcome = match work {
        Work::Detect => outcome::of_detection(came),
        Work::Test(_) => outcome::of_test(came),
        _ => outcome::of_change(came, class_of(work)),
    };
    outcome::masked(outcome, mask)
}

/// The last value of an answer, as a text.
pub(crate) fn last_text(came: &Came) -> Option<String> {
    match &outcome::read(came).ok()?.value {
        LastValue::Text(text) => Some(text.clone()),
        _ => None,
    }
}

/// The versions that a script named: a list of texts, or of objects with `version`, `url`, `sha256`, `file_name`
/// and `architecture`.
pub(crate) fn named(software: SoftwareId, came: &Came, mask: &Mask) -> Outcome {
    let run = match outcome::read(came) {
        Ok(run) => run,
        Err(outcome) => return outcome::masked(outcome, mask),
    };
    let wrong = |what: String| {
        let message = format!(
            "its script for versions named {what}: a list of texts, or of objects with `version`, is expected"
        );
        Outcome::Failed(Failure::new(FailureClass::Read, message))
    };
    let list = match &run.value {
        LastValue::Json(Value::Array(list)) => list.clone(),
        LastValue::Json(one) => vec![one.clone()],
        LastValue::Text(text) => vec![Value::String(text.clone())],
        LastValue::Number(number) => vec![Value::String(number.to_string())],
        LastValue::None | LastValue::Null => Vec::new(),
        _ => return wrong("no list".to_owned()),
    };
    let mut versions = Vec::with_capacity(list.len());
    for one in &list {
        match version_named(software, one) {
            Some(version) => versions.push(version),
            None => {
                return wrong(mask.text(&one.to_string().chars().take(100).collect::<String>()));
            }
        }
    }
    Outcome::Versions(versions)
}

fn version_named(software: SoftwareId, value: &Value) -> Option<SoftwareVersion> {
    let text = |name: &str| value.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let version = match value {
        Value::String(version) => version.clone(),
        Value::Number(number) => number.to_string(),
        Value::Object(_) => match value.get("version")? {
            Value::String(version) => version.clone(),
            Value::Number(number) => number.to_string(),
            _ => return None,
        },
        _ => return None,
    };
    let architecture = match text("architecture") {
        None => None,
        Some(word) => Some(*ARCHITECTURES.iter().find(|one| one.word() == word)?),
    };
    // The same version of the same software is the same thing at the next look.
    let name = format!("{software}/{version}/{}", architecture.map_or("", Architecture::word));
    let mut one = SoftwareVersion::new(VersionId::of_text(&name, 0), &version);
    one.architecture = architecture;
    one.download = text("url").map(|url| Download {
        url: url.to_owned(),
        sha256: text("sha256").map(str::to_owned),
        file_name: text("file_name").map(str::to_owned),
    });
    Some(one)
}

const ARCHITECTURES: [Architecture; 3] =
    [Architecture::X86, Architecture::X64, Architecture::Arm64];

#[cfg(test)]
mod tests {
    use core_script::{Answer, Finished};
    use serde_json::json;

    use super::*;

    #[test]
    fn files_are_kept_under_names_without_paths() {
        let name = |url: &str, file: Option<&str>| {
            file_name(&Download {
                url: url.to_owned(),
                sha256: None,
                file_name: file.map(str::to_owned),
            })
        };
        assert_eq!(name("https://x.example/a/7z2408-x64.exe?v=1", None), "7z2408-x64.exe");
        assert_eq!(name("https://x.example/", None), "installer");
        assert_eq!(name("https://x.example/a", Some("..\\..\\evil.exe")), "_.._evil.exe");
        assert_eq!(name("https://x.example/a", Some("a&b|c.exe")), "a_b_c.exe");
    }

    #[test]
    fn named_versions_are_the_same_at_the_next_look() {
        let software = SoftwareId::of_text("reader", 0);
        let mask = Mask::default();
        let of = |value: Value| {
            let value = LastValue::Json(value);
            let run = Finished { exit: Some(0), value, ..Finished::default() };
            named(software, &Came::Answer(Box::new(Answer::Finished(run))), &mask)
        };
        let list = json!(["1.0", { "version": "2.0", "url": "https://x.example/2.msi", "architecture": "x64" }]);
        let Outcome::Versions(first) = of(list.clone()) else { panic!("versions") };
        assert_eq!(Outcome::Versions(first.clone()), of(list));
        assert_eq!(
            (first[0].version.as_str(), first[1].architecture),
            ("1.0", Some(Architecture::X64))
        );
        assert_eq!(first[1].download.as_ref().unwrap().url, "https://x.example/2.msi");
        for wrong in [
            json!([true]),
            json!([{ "name": "1" }]),
            json!([{ "version": "1", "architecture": "mips" }]),
        ] {
            assert!(matches!(of(wrong.clone()), Outcome::Failed(_)), "{wrong}");
        }
    }
}
