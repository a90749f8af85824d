//! What lets a client in.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What a client must present to be let in.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Credentials {
    /// The partner directory's GUID.
    pub graph_tenant: Uuid,
    /// App id.
    pub graph_client_id: Uuid,
    /// App secret.
    pub graph_client_secret: String,
    /// The partner user's refresh token (each use returns a new one; old ones stay good).
    pub graph_refresh_token: String,
    /// PEM certificates whose signed assertions are accepted besides the secret (any, if empty).
    pub graph_certificates: Vec<String>,
    /// Automate user.
    pub automate_user: String,
    /// Automate password.
    pub automate_password: String,
    /// Base32 seed of the second factor; none where the user has none.
    pub automate_totp: Option<String>,
    /// The integrator's `clientId` header.
    pub automate_client_id: Uuid,
    /// `CTRLAuthHeader`.
    pub control_secret: String,
    /// Halo's app id.
    pub halo_client_id: Uuid,
    /// Halo's app secret.
    pub halo_client_secret: String,
    /// Halo's tenant parameter.
    pub halo_tenant: String,
    /// Scopes the Halo app may have.
    pub halo_scopes: Vec<String>,
    /// Graph application permissions that were granted (`User.Read.All` ...).
    pub graph_permissions: Vec<String>,
}
