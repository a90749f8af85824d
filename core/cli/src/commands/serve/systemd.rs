//! What systemd is told of a service of `Type=notify`. Elsewhere nothing is told to nobody.

use std::sync::Arc;

use core_daemon::Health;

/// The daemon works.
pub(super) fn ready() {
    #[cfg(unix)]
    tell(&[sd_notify::NotifyState::Ready]);
}

/// The settings are read again; [`ready`] says that this is over.
pub(super) fn reloading() {
    #[cfg(unix)]
    match sd_notify::NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[sd_notify::NotifyState::Reloading, now]),
        Err(_) => tell(&[sd_notify::NotifyState::Reloading]),
    }
}

/// The daemon stops.
pub(super) fn stopping() {
    #[cfg(unix)]
    tell(&[sd_notify::NotifyState::Stopping]);
}

/// Says that the daemon lives, as often as systemd wants to hear it, as long as it does.
pub(super) async fn answer_the_watchdog(health: Arc<Health>) {
    #[cfg(unix)]
    if let Some(within) = sd_notify::watchdog_enabled() {
        loop {
            if health.is_alive() {
                // A systemd that does not read has whoever writes wait: that is none of those that work.
                let told = || tell(&[sd_notify::NotifyState::Watchdog]);
                drop(tokio::task::spawn_blocking(told).await);
            }
            tokio::time::sleep(within / 3).await;
        }
    }
    #[cfg(not(unix))]
    drop(health);
}

#[cfg(unix)]
fn tell(what: &[sd_notify::NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(what) {
        tracing::debug!(%error, "systemd could not be told");
    }
}
