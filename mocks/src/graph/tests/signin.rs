//! Sign-in: grants, refusals and what becomes of tokens.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};
use chrono::Utc;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256};
use serde_json::{Value, json as tree};
use sha1::{Digest as _, Sha1};
use sha2::Sha256;

use super::fixture::*;
use crate::vendor::Reply;

/// `error` and the first of `error_codes`.
fn refusal(reply: &Reply) -> (u16, String, u64) {
    let body = json(reply);
    for name in ["error_description", "timestamp", "trace_id", "correlation_id", "error_uri"] {
        assert!(body[name].is_string(), "{name} in {body}");
    }
    let description = body["error_description"].as_str().unwrap();
    let code = body["error_codes"][0].as_u64().unwrap();
    assert!(description.starts_with(&format!("AADSTS{code}: ")), "{description}");
    assert!(description.contains("\r\nTrace ID: "), "{description}");
    (reply.status, body["error"].as_str().unwrap().into(), code)
}

/// What is changed in a good request, and the refusal: status, `error`, code.
type Case<'c> = (&'c str, &'c [(&'c str, &'c str)], u16, &'c str, u64);

fn with(bench: &Bench, tenant: &str, change: &[(&str, &str)]) -> Reply {
    let client = id(2, 0).to_string();
    let mut form = vec![
        ("grant_type", "client_credentials"),
        ("client_id", client.as_str()),
        ("client_secret", SECRET),
        ("scope", "https://graph.microsoft.com/.default"),
    ];
    for (name, value) in change {
        form.retain(|(n, _)| n != name);
        form.push((name, value));
    }
    form.retain(|(_, v)| !v.is_empty());
    bench.sign_in(tenant, &form)
}

#[test]
fn an_app_gets_a_token_by_guid_or_any_domain() {
    let bench = Bench::new(crowd(1));
    for tenant in [&id(1, CONTOSO).to_string(), "contoso.com", "CONTOSO.onmicrosoft.com"] {
        let body = json(&with(&bench, tenant, &[]));
        assert_eq!(body["token_type"], "Bearer");
        assert_eq!(body["expires_in"], 3599, "never the round hour");
        assert_eq!(body["ext_expires_in"], 3599);
        assert!(body.get("refresh_token").is_none());
        bench.get(body["access_token"].as_str().unwrap(), "/v1.0/users");
    }
}

#[test]
fn refusals_have_the_codes_of_the_service() {
    let bench = Bench::new(crowd(1));
    let contoso = id(1, CONTOSO).to_string();
    let cases: [Case<'_>; 11] = [
        (&contoso, &[("client_secret", "wrong")], 401, "invalid_client", 7_000_215),
        (&contoso, &[("client_secret", "")], 401, "invalid_client", 7_000_218),
        (&contoso, &[("client_id", "")], 400, "invalid_request", 900_144),
        (&contoso, &[("grant_type", "")], 400, "invalid_request", 900_144),
        (&contoso, &[("grant_type", "magic")], 400, "unsupported_grant_type", 70_003),
        (&contoso, &[("client_id", "nobody")], 400, "unauthorized_client", 700_016),
        ("fabrikam.com", &[], 400, "unauthorized_client", 700_016),
        ("nowhere.example", &[], 400, "invalid_request", 90_002),
        ("common", &[], 400, "invalid_request", 9_001_023),
        (
            &contoso,
            &[("scope", "https://graph.microsoft.com/User.Read.All")],
            400,
            "invalid_scope",
            70_011,
        ),
        (
            &contoso,
            &[("scope", "https://vault.azure.net/.default")],
            400,
            "invalid_resource",
            500_011,
        ),
    ];
    for (tenant, change, status, error, code) in cases {
        let reply = with(&bench, tenant, change);
        assert_eq!(refusal(&reply), (status, error.to_string(), code), "{change:?}");
    }
}

#[test]
fn a_secret_may_come_in_a_basic_header() {
    let bench = Bench::new(crowd(1));
    let mut call = call("POST", "/contoso.com/oauth2/v2.0/token");
    let pair = format!("{}:{}", id(2, 0), SECRET.replace('~', "%7E").replace('+', "%2B"));
    call.headers.push(("authorization".into(), format!("Basic {}", STANDARD.encode(pair))));
    call.body = b"grant_type=client_credentials&scope=https%3A%2F%2Fgraph.microsoft.com%2F.default"
        .to_vec();
    assert_eq!(bench.send(&call).status, 200);
}

#[test]
fn every_refresh_token_stays_good_and_each_use_gives_a_new_one() {
    let bench = Bench::new(crowd(1));
    let contoso = id(1, CONTOSO).to_string();
    let first = json(&bench.refresh(&contoso, REFRESH));
    let second = first["refresh_token"].as_str().unwrap();
    assert_ne!(second, REFRESH);
    assert!(first["id_token"].is_string(), "openid was asked for");
    let third = json(&bench.refresh("msp.com", second));
    assert_ne!(third["refresh_token"], first["refresh_token"]);
    assert_eq!(bench.refresh(&contoso, second).status, 200);
    assert_eq!(bench.refresh(&contoso, REFRESH).status, 200);
    let bad = bench.refresh(&contoso, "1.AXEAgarbage");
    assert_eq!(refusal(&bad), (400, "invalid_grant".into(), 700_082));
    // The partner's user signs in anew: all the old ones die at once.
    bench.world.write().unwrap().credentials.graph_refresh_token = "0.other".into();
    assert_eq!(refusal(&bench.refresh(&contoso, second)).2, 700_082);
}

#[test]
fn delegated_tokens_need_an_active_relationship_and_consent() {
    let bench = Bench::new(crowd(1));
    let fabrikam = id(1, FABRIKAM).to_string();
    assert_eq!(refusal(&bench.refresh(&fabrikam, REFRESH)).2, 50_020);
    bench.change(|world, _| {
        world.directories[FABRIKAM].relationships[0].status = "active".into();
        world.directories[FABRIKAM].relationships[0].end = Utc::now() + chrono::Duration::days(1);
    });
    let reply = bench.refresh(&fabrikam, REFRESH);
    assert_eq!(refusal(&reply).2, 65_001);
    assert_eq!(json(&reply)["suberror"], "consent_required");
    bench.change(|world, _| world.directories[FABRIKAM].consented = true);
    let token = bench.user(FABRIKAM);
    bench.get(&token, "/v1.0/organization");
    bench.change(|world, _| world.directories[FABRIKAM].relationships.clear());
    assert_eq!(bench.refused(&token, "/v1.0/organization").0, 403, "relationship over");
}

struct Certificate {
    pem: String,
    key: EncodingKey,
    der: Vec<u8>,
}

fn certificate() -> Certificate {
    let key = KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap();
    let certificate = CertificateParams::new(vec![]).unwrap().self_signed(&key).unwrap();
    Certificate {
        pem: certificate.pem(),
        key: EncodingKey::from_rsa_pem(key.serialize_pem().as_bytes()).unwrap(),
        der: certificate.der().to_vec(),
    }
}

fn assertion(certificate: &Certificate, header: &Header, change: &Value) -> String {
    let now = Utc::now().timestamp();
    let mut claims = tree!({
        "aud": format!("{BASE}/contoso.com/oauth2/v2.0/token"),
        "iss": id(2, 0), "sub": id(2, 0), "jti": id(20, 0), "nbf": now, "exp": now + 600,
    });
    for (name, value) in change.as_object().unwrap() {
        claims[name] = value.clone();
    }
    jsonwebtoken::encode(header, &claims, &certificate.key).unwrap()
}

fn present(bench: &Bench, assertion: &str) -> Reply {
    with(
        bench,
        "contoso.com",
        &[
            ("client_secret", ""),
            ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
            ("client_assertion", assertion),
        ],
    )
}

#[test]
fn assertions_of_all_libraries_are_taken_padded_thumbprints_too() {
    let own = certificate();
    let other = certificate();
    let mut world = crowd(1);
    world.credentials.graph_certificates = vec![own.pem.clone()];
    let bench = Bench::new(world);
    let mut msal = Header::new(Algorithm::RS256);
    msal.x5t = Some(URL_SAFE.encode(Sha1::digest(&own.der)));
    assert!(msal.x5t.as_ref().unwrap().ends_with('='), "what msal-python sends is padded");
    let mut chain = Header::new(Algorithm::PS256);
    chain.x5c = Some(vec![STANDARD.encode(&own.der)]);
    let mut modern = Header::new(Algorithm::PS256);
    modern.x5t_s256 = Some(URL_SAFE_NO_PAD.encode(Sha256::digest(&own.der)));
    // msal-python sends instants with fractions of a second.
    let now = Utc::now().timestamp_millis() as f64 / 1000.0;
    let fractions = tree!({"nbf": now, "iat": now, "exp": now + 600.5});
    for (header, change) in [(&msal, &fractions), (&chain, &fractions), (&modern, &tree!({}))] {
        let reply = present(&bench, &assertion(&own, header, change));
        assert_eq!(reply.status, 200, "{header:?}: {}", text(&reply));
    }
    let bad = [
        assertion(&other, &modern, &tree!({})),
        assertion(&own, &Header::new(Algorithm::PS256), &tree!({})),
        assertion(&own, &modern, &tree!({"exp": 1_700_000_000})),
        assertion(&own, &modern, &tree!({"iss": "somebody"})),
        assertion(&own, &modern, &tree!({"aud": format!("{BASE}/fabrikam.com/oauth2/v2.0/token")})),
        assertion(
            &own,
            &modern,
            &tree!({"aud": "https://evil.test/contoso.com/oauth2/v2.0/token"}),
        ),
        "not.a.jwt".to_string(),
    ];
    for assertion in &bad {
        assert_eq!(refusal(&present(&bench, assertion)), (401, "invalid_client".into(), 700_027));
    }
}

#[test]
fn discovery_leads_a_library_to_the_token_endpoint() {
    let bench = Bench::new(crowd(1));
    let address = format!(
        "/common/discovery/instance?api-version=1.1&authorization_endpoint={BASE}/contoso.com/oauth2/v2.0/authorize"
    );
    let found = json(&bench.send(&call("GET", &address)));
    let next = found["tenant_discovery_endpoint"].as_str().unwrap();
    let metadata = json(&bench.send(&call("GET", next)));
    assert_eq!(metadata["token_endpoint"], format!("{BASE}/contoso.com/oauth2/v2.0/token"));
    assert_eq!(metadata["issuer"], format!("{BASE}/{}/v2.0", id(1, CONTOSO)));
    let keys = json(&bench.send(&call("GET", metadata["jwks_uri"].as_str().unwrap())));
    assert!(keys["keys"].is_array());
    let unknown =
        bench.send(&call("GET", "/nowhere.example/v2.0/.well-known/openid-configuration"));
    assert_eq!(refusal(&unknown).2, 90_002);
}

#[test]
fn admin_consent_returns_the_tenant_and_the_state() {
    let bench = Bench::new(crowd(1));
    let ask = |tenant: &str| {
        let address = format!(
            "/{tenant}/adminconsent?client_id={}&redirect_uri=https://app.test/cb?x=1&state=a%20b",
            id(2, 0)
        );
        let reply = bench.send(&call("GET", &address));
        assert_eq!(reply.status, 302);
        header(&reply, "location").unwrap().to_string()
    };
    let yes = ask("contoso.com");
    assert!(yes.starts_with("https://app.test/cb?"), "{yes}");
    assert!(yes.contains(&format!("admin_consent=True&tenant={}", id(1, CONTOSO))), "{yes}");
    assert!(yes.ends_with("state=a%20b"), "{yes}");
    assert!(ask("fabrikam.com").contains("error=access_denied"));
}

#[test]
fn tokens_end_are_revoked_and_cannot_be_forged() {
    let bench = Bench::new(crowd(1));
    let token = bench.app(CONTOSO);
    let say = |token: &str| {
        let reply = bench.get_with(token, "/v1.0/users", &[]);
        let message = json(&reply)["error"]["message"].as_str().unwrap_or_default().to_string();
        (reply, message)
    };
    assert_eq!(say(&token).0.status, 200);
    let (reply, message) = say("");
    assert_eq!((reply.status, message.as_str()), (401, "Access token is empty."));
    assert!(header(&reply, "www-authenticate").unwrap().starts_with("Bearer "));
    let mut forged = token.clone();
    forged.replace_range(..1, "x");
    let (reply, message) = say(&forged);
    assert_eq!((reply.status, code(&reply)), (401, "InvalidAuthenticationToken".into()));
    assert!(message.starts_with("CompactToken parsing failed"));
    bench.face.revoke_tokens();
    let (reply, _) = say(&token);
    assert_eq!(reply.status, 401);
    assert!(header(&reply, "www-authenticate").unwrap().contains("insufficient_claims"));
    let token = bench.app(CONTOSO);
    bench.world.write().unwrap().clock_ahead = 3_600;
    let (reply, message) = say(&token);
    assert_eq!(reply.status, 401);
    assert_eq!(message, "Lifetime validation failed, the token is expired.");
}

#[test]
fn a_token_for_partner_center_is_not_for_graph() {
    let bench = Bench::new(crowd(1));
    let reply =
        with(&bench, "msp.com", &[("scope", "https://api.partnercenter.microsoft.com/.default")]);
    let body = json(&reply);
    let token = body["access_token"].as_str().unwrap();
    assert_eq!(bench.refused(token, "/v1.0/organization").0, 401);
}
