//! What sign-in libraries look up before they ask for a token, and the consent page.

use serde_json::json;
use url::Url;

use super::aadsts::Refusal;
use super::signin;
use super::wire::encode;
use crate::vendor::{Call, Reply};
use crate::world::World;

/// `/{tenant}/v2.0/.well-known/openid-configuration`.
pub(super) fn openid_configuration(call: &Call, tenant: &str, world: &World) -> Reply {
    let shared = ["common", "organizations", "consumers"];
    let issuer = if shared.contains(&tenant.to_ascii_lowercase().as_str()) {
        "{tenantid}".to_string()
    } else {
        match signin::directory(world, tenant) {
            Some(directory) => directory.id.to_string(),
            None => return Refusal::no_tenant(tenant).reply(call),
        }
    };
    let base = &call.base;
    let at = format!("{base}/{tenant}");
    Reply::json(
        200,
        &json!({
            "token_endpoint": format!("{at}/oauth2/v2.0/token"),
            "token_endpoint_auth_methods_supported":
                ["client_secret_post", "private_key_jwt", "client_secret_basic"],
            "jwks_uri": format!("{at}/discovery/v2.0/keys"),
            "response_modes_supported": ["query", "fragment", "form_post"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
            "scopes_supported": ["openid", "profile", "email", "offline_access"],
            "issuer": format!("{base}/{issuer}/v2.0"),
            "request_uri_parameter_supported": false,
            "userinfo_endpoint": format!("{base}/oidc/userinfo"),
            "authorization_endpoint": format!("{at}/oauth2/v2.0/authorize"),
            "device_authorization_endpoint": format!("{at}/oauth2/v2.0/devicecode"),
            "http_logout_supported": true,
            "frontchannel_logout_supported": true,
            "end_session_endpoint": format!("{at}/oauth2/v2.0/logout"),
            "claims_supported": ["sub", "iss", "aud", "exp", "iat", "name", "oid", "tid", "ver"],
            "tenant_region_scope": "EU",
            "cloud_instance_name": host(call),
            "cloud_graph_host_name": host(call),
            "msgraph_host": host(call),
            "rbac_url": "https://pas.windows.net",
        }),
    )
}

/// `/common/discovery/instance`: this host is an authority of its own.
pub(super) fn instance(call: &Call) -> Reply {
    let wanted = call.param("authorization_endpoint").and_then(|e| Url::parse(e).ok());
    let Some(wanted) = wanted else {
        let text = "AADSTS parameter 'authorization_endpoint' is missing or is no address.";
        return Refusal::new(50_049, "invalid_instance", text).reply(call);
    };
    let tenant = wanted.path_segments().and_then(|mut s| s.next()).unwrap_or("common").to_string();
    let host = host(call);
    Reply::json(
        200,
        &json!({
            "tenant_discovery_endpoint":
                format!("{}/{tenant}/v2.0/.well-known/openid-configuration", call.base),
            "api-version": "1.1",
            "metadata": [{"preferred_network": host, "preferred_cache": host, "aliases": [host]}],
        }),
    )
}

/// `/{tenant}/discovery/v2.0/keys`: tokens are opaque to everybody but Graph, so there are none.
pub(super) fn keys() -> Reply {
    Reply::json(200, &json!({"keys": []}))
}

/// `/{tenant}/adminconsent`: an administrator who says yes where the app has consent, and no where
/// it has not.
pub(super) fn admin_consent(call: &Call, tenant: &str, world: &World) -> Reply {
    let Some(target) = call.param("redirect_uri").and_then(|u| Url::parse(u).ok()) else {
        return Refusal::missing("redirect_uri").reply(call);
    };
    let Some(client) = call.param("client_id") else {
        return Refusal::missing("client_id").reply(call);
    };
    let shared = ["common", "organizations"].contains(&tenant.to_ascii_lowercase().as_str());
    let directory = if shared {
        world.directories.iter().find(|d| d.partner)
    } else {
        signin::directory(world, tenant)
    };
    let Some(directory) = directory else { return Refusal::no_tenant(tenant).reply(call) };
    let known = client.eq_ignore_ascii_case(&world.credentials.graph_client_id.to_string());
    let mut answer = if known && directory.consented {
        format!("admin_consent=True&tenant={}", directory.id)
    } else {
        let text = encode("AADSTS65004: User declined to consent to access the app.");
        format!("error=access_denied&error_description={text}")
    };
    if let Some(state) = call.param("state") {
        answer.push_str(&format!("&state={}", encode(state)));
    }
    let mut target = target;
    let query = target.query().map_or_else(|| answer.clone(), |q| format!("{q}&{answer}"));
    target.set_query(Some(&query));
    Reply::empty(302).with_header("location", target.as_str())
}

fn host(call: &Call) -> String {
    call.base.split_once("://").map_or(call.base.as_str(), |(_, host)| host).to_string()
}
