//! The one list of connectors. A new one is a crate, a line in the manifest and a line here.

use core_connector::Registry;

/// Every kind of system that this program can be connected to.
pub(crate) fn registry() -> Registry {
    Registry::default()
        .with::<connector_azure_ad::AzureAd>()
        .with::<connector_cw_automate::Automate>()
        .with::<connector_cw_control::Control>()
        .with::<connector_halopsa::Halopsa>()
        .with::<core_runner_hub::RunnerKind>()
}
