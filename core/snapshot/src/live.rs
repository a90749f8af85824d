//! One snapshot that is kept, and brought up to date by the log: for programs that answer many questions.

use std::sync::Arc;

use core_library::Library;
use core_resolve::{AsOf, Delta, Engine, Resolver, RunKind, Snapshot};
use core_store::Store;

use crate::error::Result;
use crate::follow::Followed;
use crate::library::definitions;
use crate::load::{LoadOptions, World};

/// A snapshot with all winners, and what is needed to follow.
pub struct Live {
    world: World,
    engine: Engine,
    options: LoadOptions,
}

/// What happened to a [`Live`] when it was brought up to date.
#[derive(Debug)]
pub enum Renewed {
    /// These changes of winners.
    Changed(Vec<Delta>),
    /// Everything was read anew; what changed is not told.
    Anew,
}

impl Live {
    /// Reads everything.
    ///
    /// # Errors
    /// When the store does not answer, or holds what this version cannot read.
    pub async fn load(store: &Store, options: LoadOptions) -> Result<Self> {
        let (world, loaded) = World::load(store, &options).await?;
        let snapshot = Arc::new(Snapshot::new(loaded.input));
        let definitions = Arc::new(definitions(&loaded.library));
        let as_of = AsOf::Instant(options.now);
        let engine = Engine::new(snapshot, definitions, as_of, RunKind::Maintenance);
        Ok(Self { world, engine, options })
    }

    /// Takes what happened since, and the time that passed.
    ///
    /// # Errors
    /// As for loading. Then this one is of no use any more: it may have taken half of what happened.
    pub async fn renew(&mut self, store: &Store, options: LoadOptions) -> Result<Renewed> {
        let same = options.disabled == self.options.disabled
            && options.freshness == self.options.freshness
            && options.default_zone == self.options.default_zone;
        let followed = match same {
            true => self.world.follow(store, &options).await?,
            false => Followed::Reload,
        };
        let Followed::Changes(changes, library) = followed else {
            *self = Self::load(store, options).await?;
            return Ok(Renewed::Anew);
        };
        let mut deltas = Vec::new();
        for change in changes {
            deltas.push(self.engine.apply(change));
        }
        if let Some(library) = library {
            deltas.push(self.engine.define(Arc::new(definitions(&library))));
        }
        deltas.push(self.engine.at(AsOf::Instant(options.now)));
        self.options = options;
        deltas.retain(|delta| !delta.shifts.is_empty());
        Ok(Renewed::Changed(deltas))
    }

    /// A reader of this version.
    #[must_use]
    pub fn resolver(&self) -> Resolver {
        self.engine.resolver()
    }

    /// What is defined.
    #[must_use]
    pub fn library(&self) -> &Arc<Library> {
        &self.world.library
    }

    /// The event and the revision up to which everything was taken.
    #[must_use]
    pub fn place(&self) -> (i64, i64) {
        self.world.place()
    }
}
