//! What is around the machine: who watches it, who patches it, who gives tokens.

use core_connector::Secret;
use core_maintenance::{AccessToken, NoToken, Result, Updates};
use serde_json::{Map, Value, json};

/// What is around the machine. By default nobody offers anything.
#[derive(Default)]
pub(crate) struct Surroundings {
    pub(crate) token: Option<std::result::Result<&'static str, NoToken>>,
    pub(crate) said: Vec<String>,
    /// Somebody watches it, and can be told that it is maintained.
    pub(crate) watched: bool,
    /// It is in maintenance mode, and whether this session put it there.
    pub(crate) mode: bool,
    pub(crate) held: bool,
    /// What was told the watcher, in order.
    pub(crate) told: Vec<&'static str>,
    /// Updates that are approved and missing, and those of them that fail.
    pub(crate) missing: Vec<String>,
    pub(crate) failing: Vec<String>,
    /// The patch manager does not answer.
    pub(crate) unpatched: Option<String>,
    /// How often they were asked for, and how many looks it takes until they are there.
    pub(crate) asked: u32,
    pub(crate) looks: u32,
}

impl Surroundings {
    pub(crate) fn facts(&self) -> Map<String, Value> {
        let facts = json!({ "computer": { "name": "PC-1" }, "tenant": { "name": "Contoso" } });
        facts.as_object().cloned().unwrap_or_default()
    }

    pub(crate) fn token(&self) -> std::result::Result<AccessToken, NoToken> {
        let nobody = NoToken::NotAllowed("nobody gives tokens".to_owned());
        let token = self.token.clone().unwrap_or(Err(nobody))?;
        let lifetime = std::time::Duration::from_secs(600);
        Ok(AccessToken { token: Secret::new(token), lifetime })
    }

    pub(crate) fn enter(&mut self) -> Vec<String> {
        if !self.watched || self.held {
            return Vec::new();
        }
        if self.mode {
            return vec!["it was on before, and stays".to_owned()];
        }
        (self.mode, self.held) = (true, true);
        self.told.push("on");
        vec!["on".to_owned()]
    }

    pub(crate) fn leave(&mut self) -> Vec<String> {
        if !self.held {
            return Vec::new();
        }
        (self.mode, self.held) = (false, false);
        self.told.push("off");
        vec!["off".to_owned()]
    }

    pub(crate) fn updates(&mut self) -> std::result::Result<Option<Updates>, String> {
        if let Some(why) = &self.unpatched {
            return Err(why.clone());
        }
        if self.asked > 0 {
            self.looks = self.looks.saturating_sub(1);
            if self.looks == 0 {
                self.missing.clear();
            }
        }
        let failed = if self.asked > 0 { self.failing.clone() } else { Vec::new() };
        Ok(Some(Updates {
            way: "automate/1".to_owned(),
            missing: self.missing.clone(),
            failed,
            running: self.asked > 0 && self.looks > 0,
        }))
    }

    pub(crate) fn install(&mut self) -> Result<std::result::Result<(), String>> {
        self.asked += 1;
        Ok(Ok(()))
    }
}
