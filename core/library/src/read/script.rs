//! Scripts: written in place, or in a file beside the definition.

use core_model::library::{
    NobodyLoggedOn, Script, ScriptContext, ScriptLanguage, ScriptNeed, SubjectKind,
};
use core_toml::{Item, Node, printable};

use super::{Place, Reader, Table};
use crate::FileRole;
use crate::scripts::{language_of, resolve};

/// Where scripts run that do not say so.
pub(crate) fn usual_context(of: SubjectKind) -> ScriptContext {
    match of {
        SubjectKind::Computer => ScriptContext::System,
        SubjectKind::Person | SubjectKind::Tenant => ScriptContext::Cloud,
    }
}

impl<'a> Reader<'a> {
    /// The script of a key, for an item that is for subjects of this kind.
    pub(super) fn script(
        &mut self,
        table: Table<'a>,
        key: &str,
        of: SubjectKind,
    ) -> Option<Script> {
        let node = table.get(key)?;
        let place = table.place(key);
        if let Some(text) = node.text() {
            let body = self.body(&place, text)?;
            return Some(Script::new(&body).in_context(usual_context(of)));
        }
        if !matches!(node.item, Item::Table(_)) {
            return None;
        }
        let inner = Table { file: table.file, node };
        // All is read before anything that is missing ends it, so that all is told.
        let body = self.file_or_body(inner);
        let context = self.context(inner, of);
        let language = self.language(inner, context);
        let nobody_logged_on = self.nobody(inner, context);
        let needs = self.needs(inner, context);
        let limit = inner.number("time_limit").and_then(|limit| u32::try_from(limit).ok());
        Some(Script {
            language: language?,
            context,
            body: body?,
            time_limit_s: limit,
            nobody_logged_on,
            ignores_business_hours: inner.flag("ignores_business_hours"),
            needs,
        })
    }

    fn file_or_body(&mut self, table: Table<'a>) -> Option<String> {
        let (file, body) = (table.get("file"), table.get("body"));
        match (file, body) {
            (Some(_), Some(_)) => {
                let what = "a script is in a file or in `body`, and this says both";
                self.say(&table.place("body"), what, "one too many", "remove one of them");
                None
            }
            (None, None) => {
                let help = "write `file = \"install.ps1\"`, or the text itself as `body`";
                let what = "this script has no text";
                self.say(&table.place(""), what, "add `file` or `body`", help);
                None
            }
            (None, Some(node)) => {
                let text = node.text()?;
                self.body(&table.place("body"), text)
            }
            (Some(node), None) => self.file((table.file, node)),
        }
    }

    fn file(&mut self, (file, node): (usize, &'a Node)) -> Option<String> {
        let named = node.text()?;
        let place = Place { file, span: node.span.clone() };
        let beside = self.documents.get(file)?.name();
        let path = match resolve(beside, named) {
            Ok(path) => path,
            Err(why) => {
                let help = "put the script into the folder, beside the file that names it";
                self.say(&place, why, "not allowed", help);
                return None;
            }
        };
        let Some(found) = self.scripts.get(path.as_str()).copied() else {
            let what = format!("there is no file `{}`", printable(&path));
            let help = "a script is named by its path from the file that names it";
            self.say(&place, what, "not there", help);
            return None;
        };
        if let FileRole::Refused(why) = &found.role {
            let what =
                format!("the script `{}` cannot be read: {}", printable(&path), printable(why));
            let limit = Script::LARGEST_BODY;
            let help =
                format!("it must be a file of UTF-8 text in the folder, of {limit} bytes at most");
            self.say(&place, what, "this file", &help);
            return None;
        }
        // A mark of the encoding is no part of the text.
        let text = found.text.strip_prefix('\u{feff}').unwrap_or(&found.text);
        self.body(&place, text)
    }

    fn body(&mut self, place: &Place, text: &str) -> Option<String> {
        let limit = Script::LARGEST_BODY;
        if text.trim().is_empty() {
            let help = "write it, or remove the key: what has no script is not done";
            self.say(place, "this script is empty", "empty", help);
            return None;
        }
        if text.len() > limit {
            let what = format!("this script has {} bytes, and {limit} are the most", text.len());
            self.say(place, what, "too large", "let it fetch what makes it large");
            return None;
        }
        Some(text.to_owned())
    }

    fn context(&mut self, table: Table<'a>, of: SubjectKind) -> ScriptContext {
        let context = match table.text("context") {
            Some("system") => ScriptContext::System,
            Some("user") => ScriptContext::User,
            Some("metascript") => ScriptContext::Metascript,
            Some("cloud") => ScriptContext::Cloud,
            _ => usual_context(of),
        };
        let cloud = context == ScriptContext::Cloud;
        if cloud == (of == SubjectKind::Computer) {
            let (what, help) = match of {
                SubjectKind::Computer => (
                    "a cloud script runs for tenants and persons, and this is for computers",
                    "write \"metascript\" for one that runs in the hub for a computer",
                ),
                _ => (
                    "for tenants and persons only cloud scripts run",
                    "remove `context`, or write \"cloud\"",
                ),
            };
            self.say(&table.place("context"), what, "not here", help);
        }
        context
    }

    fn language(&mut self, table: Table<'a>, context: ScriptContext) -> Option<ScriptLanguage> {
        let language = match (table.text("language"), table.text("file")) {
            (Some(word), _) => {
                let language = ScriptLanguage::of_word(word);
                if language.is_none() {
                    let what = format!("\"{}\" is no language of scripts", printable(word));
                    let help = "write \"powershell\", \"cmd\", \"sh\", or the name of a program of the \
                                hub's machine without its path";
                    self.say(&table.place("language"), what, "not allowed", help);
                }
                language
            }
            (None, Some(file)) => {
                let language = language_of(file);
                if language.is_none() {
                    let what = format!("what `{}` is written in is not said", printable(file));
                    let help = "add `language = \"powershell\"`, or end its name in .ps1, .cmd, .bat or .sh";
                    self.say(&table.place("file"), what, "which language?", help);
                }
                language
            }
            (None, None) => Some(ScriptLanguage::PowerShell),
        };
        if let Some(ScriptLanguage::Interpreter(name)) = &language
            && !context.in_hub()
        {
            let what = format!("`{name}` is a program of the hub's, and this runs on the computer");
            let help = "write it in \"powershell\", \"cmd\" or \"sh\", or give it the context \"metascript\"";
            self.say(&table.place("language"), what, "not here", help);
        }
        language
    }

    fn needs(&mut self, table: Table<'a>, context: ScriptContext) -> Vec<ScriptNeed> {
        let mut needs: Vec<ScriptNeed> = Vec::new();
        let words: Vec<&str> = table.items("needs").iter().filter_map(Node::text).collect();
        if !words.is_empty() && !context.in_hub() {
            let what = "`needs` is for scripts that run in the hub";
            let help = "give it the context \"metascript\" or \"cloud\", or remove it";
            self.say(&table.place("needs"), what, "not here", help);
        }
        for word in words {
            // What is none was told by the schema.
            needs.extend(ScriptNeed::of_word(word));
        }
        needs.sort_unstable();
        needs.dedup();
        needs
    }

    fn nobody(&mut self, table: Table<'a>, context: ScriptContext) -> NobodyLoggedOn {
        if table.get("nobody_logged_on").is_some() && context != ScriptContext::User {
            let what = "`nobody_logged_on` is for scripts of the context \"user\"";
            let help = "write `context = \"user\"`, or remove it";
            self.say(&table.place("nobody_logged_on"), what, "not here", help);
        }
        match table.text("nobody_logged_on") {
            Some("fail") => NobodyLoggedOn::Fail,
            _ => NobodyLoggedOn::Skip,
        }
    }
}
