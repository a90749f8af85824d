//! What is defined, asked and changed over the API: targets, previews, plans, requests.

use core_library::{Change, FileRole, SourceFile};
use core_resolve::RunKind;
use core_server::{Ask, Question};
use serde_json::{Value, json};

use super::number;
use crate::cli::{ClassArg, ExplainArgs, KindArg, ResolveArgs, WhenArgs};
use crate::commands::apply::{Wish, apply};
use crate::commands::approve::{approve, reject_as};
use crate::commands::files::Files;
use crate::commands::preview::{Effect, effect, of_files, with_changes, without};
use crate::commands::{explain, plan, resolve};
use crate::context::Context;
use crate::failure::Failure;
use crate::output;
use crate::world::World;

/// The name of the file that a JSON document stands for.
const DOCUMENT: &str = "definitions.toml";

pub(super) async fn act(context: &Context, question: &Question) -> Result<Value, Failure> {
    let text = |name| question.text(name).map(str::to_owned);
    let when = WhenArgs { as_of: text("as_of"), known_at: text("known_at") };
    match question.ask {
        Ask::Resolve => resolve::answer(context, &resolving(question, when)?).await,
        Ask::Explain => {
            let args = ExplainArgs {
                subject: text("subject").unwrap_or_default(),
                item: text("item").unwrap_or_default(),
                instance: text("instance"),
                onboarding: question.is("onboarding"),
                when,
            };
            explain::answer(context, &args).await
        }
        Ask::Preview => preview(context, question, &when).await,
        Ask::Definitions => definitions(context).await,
        Ask::Plan => {
            let world = World::load(context, &when, RunKind::default()).await?;
            let files = files(question, &world)?;
            let after = files.library(&world, world.when.now.timestamp_micros())?;
            let (changes, effect) = (files.changes(&world, &after), effect(&world, &after));
            let mut value = plan::as_json(&changes, &effect.as_json(), effect.to_confirm());
            value["lacks"] = json!(plan::lacking(&after, &changes));
            Ok(value)
        }
        Ask::Apply => {
            let world = World::load(context, &WhenArgs::default(), RunKind::default()).await?;
            let files = files(question, &world)?;
            let made_us = world.when.now.timestamp_micros();
            let applied =
                apply(context, (&world, &files, made_us), &wish(question), &unseen).await?;
            Ok(applied.as_json())
        }
        Ask::Approve => {
            let number = number(question)?;
            let approved = approve(context, number, &wish(question), &unseen).await;
            let approved = approved.map_err(|refused| refused.into_failure(number))?;
            Ok(approved.as_json(number, &question.by))
        }
        Ask::Reject => {
            let number = number(question)?;
            let note = question.text("note").unwrap_or_default();
            reject_as(context, number, &question.by, note).await?;
            Ok(json!({ "request": number, "state": "rejected", "by": question.by }))
        }
        _ => Err(Failure::failed("the API asks what the program does not know")),
    }
}

/// What is shown at a terminal before something is saved is in the answer.
fn unseen(_: &[Change], _: &Effect<'_>) {}

fn wish(question: &Question) -> Wish<'_> {
    Wish {
        by: &question.by,
        note: question.text("note").unwrap_or_default(),
        confirm: question.body.get("confirm").and_then(Value::as_u64),
        propose: question.is("propose"),
    }
}

/// The words of a command line, out of a body.
fn resolving(question: &Question, when: WhenArgs) -> Result<ResolveArgs, Failure> {
    let (target, deployment) = (question.texts("target"), question.text("deployment"));
    if target.is_empty() == deployment.is_none() {
        return Err(Failure::usage(
            "a target or a deployment is asked about, and one of them only",
        )
        .with_remedy("give `target` as a list of words, or `deployment`"));
    }
    let kind = match question.text("to").unwrap_or("computers") {
        "computers" => KindArg::Computers,
        "persons" => KindArg::Persons,
        "tenants" => KindArg::Tenants,
        _ => {
            return Err(Failure::usage("`to` is no kind of subjects")
                .with_remedy("use computers, persons or tenants"));
        }
    };
    let class = |word: &String| match word.as_str() {
        "servers" => Ok(ClassArg::Servers),
        "workstations" => Ok(ClassArg::Workstations),
        "portable" => Ok(ClassArg::Portable),
        "domain-controllers" => Ok(ClassArg::DomainControllers),
        "primary-domain-controllers" => Ok(ClassArg::PrimaryDomainControllers),
        _ => Err(Failure::usage("`class` has a word that is no class").with_remedy(
            "use servers, workstations, portable, domain-controllers, primary-domain-controllers",
        )),
    };
    let class = question.texts("class").iter().map(class).collect::<Result<Vec<_>, _>>()?;
    if !class.is_empty() && (deployment.is_some() || kind != KindArg::Computers) {
        return Err(Failure::usage("classes narrow a target of computers")
            .with_remedy("leave `class` out, or `deployment` and `to`"));
    }
    Ok(ResolveArgs {
        target,
        deployment: deployment.map(str::to_owned),
        class,
        kind,
        when,
        limit: usize::MAX,
    })
}

async fn preview(
    context: &Context,
    question: &Question,
    when: &WhenArgs,
) -> Result<Value, Failure> {
    let world = World::load(context, when, RunKind::default()).await?;
    let text = question.text("file");
    let (changes, effect) = match (text, question.body.get("definitions")) {
        (Some(text), None) => {
            let files = vec![SourceFile::new(DOCUMENT, text)];
            of_files(&world, &Files::of_texts(files, &world))?
        }
        (None, Some(document)) => {
            let files = vec![SourceFile::new(DOCUMENT, &as_toml(document)?)];
            of_files(&world, &Files::of_texts(files, &world))?
        }
        (None, None) => {
            let deployment = world.deployment(question.text("deployment").unwrap_or_default())?;
            let (remove, enable) = match question.text("change") {
                Some("remove") => (true, false),
                Some("disable") => (false, false),
                Some("enable") => (false, true),
                _ => {
                    return Err(Failure::usage("`change` says what becomes of the deployment")
                        .with_remedy("use remove, disable or enable"));
                }
            };
            let (after, _) = without(&world, deployment, remove, enable);
            return Ok(effect_of(&effect(&world, &after)));
        }
        (Some(_), Some(_)) => {
            return Err(Failure::usage("`file` and `definitions` are two ways to say one thing")
                .with_remedy("give one of them"));
        }
    };
    let mut value = with_changes(&changes, &effect);
    value["confirm"] = json!(effect.to_confirm());
    Ok(value)
}

fn effect_of(effect: &Effect<'_>) -> Value {
    let mut value = effect.as_json();
    value["confirm"] = json!(effect.to_confirm());
    value
}

/// What is defined, as files and by its revision.
async fn definitions(context: &Context) -> Result<Value, Failure> {
    let world = World::load(context, &WhenArgs::default(), RunKind::default()).await?;
    let names = core_snapshot::names(&world.loaded.input);
    let files = core_library::export(&world.loaded.library, &names);
    let files: serde_json::Map<String, Value> =
        files.into_iter().map(|file| (file.path, file.text.into())).collect();
    Ok(json!({ "revision": world.loaded.revision, "files": files }))
}

/// The files that a body has: texts by their paths, scripts among them, or one JSON document.
fn files(question: &Question, world: &World) -> Result<Files, Failure> {
    let texts = question.body.get("files").and_then(Value::as_object);
    let files = match (texts, question.body.get("definitions")) {
        (Some(texts), None) => texts
            .iter()
            .map(|(path, text)| {
                let text = text.as_str()?;
                let toml = path.ends_with(".toml");
                let of = if toml { SourceFile::new } else { SourceFile::script };
                Some(of(path, text))
            })
            .collect::<Option<Vec<_>>>()
            .ok_or_else(|| Failure::usage("`files` has something that is no text"))?,
        (None, Some(document)) => vec![SourceFile::new(DOCUMENT, &as_toml(document)?)],
        _ => Vec::new(),
    };
    if files.is_empty() {
        // Applied, no files would remove every definition.
        return Err(Failure::usage("there are no definitions in the body")
            .with_remedy("give `files`, all of the library's, or `definitions`; one of them"));
    }
    refuse_unnamed(&files)?;
    Ok(Files::of_texts(files, world))
}

/// What is no definition must be a script that one names: lost in silence, it could be a definition
/// under another name.
fn refuse_unnamed(files: &[SourceFile]) -> Result<(), Failure> {
    let named = core_library::script_paths(files);
    let scripts = files.iter().filter(|file| file.role == FileRole::Script);
    match scripts.into_iter().find(|file| !named.contains(&file.path)) {
        Some(file) => {
            let what = format!("no definition names the file `{}`", output::printable(&file.path));
            Err(Failure::usage(what).with_remedy(
                "files of definitions end in `.toml`; everything else is a script that one names",
            ))
        }
        None => Ok(()),
    }
}

fn as_toml(document: &Value) -> Result<String, Failure> {
    toml::to_string(document).map_err(|error| {
        Failure::usage(format!("`definitions` cannot be written as TOML: {error}"))
            .with_remedy("use the tables of a file of definitions; nothing in it is null")
    })
}
