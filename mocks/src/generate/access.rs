//! Credentials for the four faces.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::dice::Dice;
use crate::world::{Credentials, Options};

const LETTERS: &[u8] = b"ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789";
const BASE32: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// What lets a client in, all rights granted.
pub(crate) fn credentials(options: &Options, dice: &mut Dice) -> Credentials {
    let secret = STANDARD.encode(dice.text(LETTERS, 24));
    Credentials {
        graph_tenant: dice.uuid(),
        graph_client_id: dice.uuid(),
        graph_client_secret: format!("{}~{}", dice.text(LETTERS, 3), dice.text(LETTERS, 36)),
        graph_refresh_token: format!("0.A{}.Ag{}", dice.text(LETTERS, 20), dice.text(LETTERS, 90)),
        graph_certificates: Vec::new(),
        automate_user: "linchpin-api".into(),
        automate_password: dice.text(LETTERS, 24),
        automate_totp: options.automate_second_factor.then(|| dice.text(BASE32, 32)),
        automate_client_id: dice.uuid(),
        control_secret: secret,
        halo_client_id: dice.uuid(),
        halo_client_secret: format!("{}-{}", dice.uuid(), dice.uuid()),
        halo_tenant: "keystone".into(),
        halo_scopes: words(
            "all all:standard admin read:tickets edit:tickets read:customers edit:customers \
             read:contracts edit:contracts read:items edit:items read:invoices edit:invoices \
             read:assets edit:assets read:software read:crm edit:reporting read:reporting \
             offline_access",
        ),
        graph_permissions: words(
            "Organization.Read.All User.Read.All Group.Read.All GroupMember.Read.All \
             Device.Read.All Directory.Read.All DelegatedAdminRelationship.Read.All \
             DeviceManagementManagedDevices.Read.All Contract.Read.All Domain.Read.All",
        ),
    }
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}
