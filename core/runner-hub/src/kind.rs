//! The kind `runner` in the list of connectors.

use core_connector::{
    Changes, Connector, Error, ErrorKind, Factory, Permission, Result, StreamDoc,
};
use core_model::RecordKind;
use schemars::JsonSchema;
use serde::Deserialize;

/// The hub's own runners, `linchpin agent` on the machines. Exists once in the settings; needs `key` in `[secrets]`
/// and the hub's own port.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Hours for which commands and what they printed are kept.
    #[schemars(range(min = 1, max = 8760))]
    pub keep_hours: Option<u32>,
}

/// The kind.
pub struct RunnerKind;

/// Its stream.
pub(crate) const RUNNERS: StreamDoc = StreamDoc {
    name: "runners",
    kinds: &[RecordKind::Client, RecordKind::Agent],
    changes: Changes::Snapshot,
};

impl Factory for RunnerKind {
    type Config = Config;
    const KIND: &'static str = "runner";
    const TITLE: &'static str = "Linchpin's own runner";
    const STREAMS: &'static [StreamDoc] = &[RUNNERS];
    const ACTIONS: &'static [&'static str] = &["run-script"];
    const PERMISSIONS: &'static [Permission] = &[];

    fn build(_: Config) -> Result<Box<dyn Connector>> {
        // Whoever has the store builds it: crate::Runners.
        let detail = "runners are kept in the hub's own store, which is not open here";
        Err(Error::new(ErrorKind::Config, "the connection of runners", detail)
            .with_remedy("set `key` in [secrets]: `linchpin secrets key > hub.key`"))
    }
}
