//! What a refused sign-in means, by the number after `AADSTS`. Microsoft warns that the numbers
//! change, so an unknown one falls back on the OAuth2 error; the number is always kept in the
//! detail, because it is what an admin searches for.

use core_connector::{Error, ErrorKind};

/// `Auth` is what no directory can get past (the credentials of the whole connection);
/// `Forbidden` is what the admin of one directory, or the partner for that directory, can mend.
struct Meaning {
    codes: &'static [u32],
    kind: ErrorKind,
    remedy: &'static str,
}

const NO_CONSENT: &str = "an admin of this directory must consent to the application: open \
    LOGIN_URL/DIRECTORY/adminconsent?client_id=CLIENT_ID as that admin (customers of a partner: \
    or consent through Partner Center), then run `linchpin check`";

const MEANINGS: &[Meaning] = &[
    Meaning {
        codes: &[7_000_215],
        kind: ErrorKind::Auth,
        remedy: "`client_secret` is wrong: paste the secret's *value*, which is shown once when \
                 it is made, not its id",
    },
    Meaning {
        codes: &[7_000_222],
        kind: ErrorKind::Auth,
        remedy: "the client secret has expired: make a new one in the application's \
                 \"Certificates & secrets\" and put its value into `client_secret`",
    },
    Meaning {
        codes: &[7_000_218],
        kind: ErrorKind::Auth,
        remedy: "the application must be a confidential client: switch \"Allow public client \
                 flows\" off",
    },
    Meaning {
        codes: &[700_027, 50_012, 700_030],
        kind: ErrorKind::Auth,
        remedy: "the certificate is not one of the application's, or has expired: upload it under \
                 \"Certificates & secrets\"; if that was minutes ago, wait for it to spread",
    },
    Meaning {
        codes: &[7_000_112, 70_001],
        kind: ErrorKind::Auth,
        remedy: "the application is disabled: enable it under \"Enterprise applications\"",
    },
    Meaning {
        codes: &[700_082, 70_008, 70_043, 50_173],
        kind: ErrorKind::Auth,
        remedy: "the refresh token is dead, for every directory at once: sign the partner user in \
                 again and put his new refresh token into `refresh_token`",
    },
    Meaning {
        codes: &[700_016, 7_000_229, 65_001, 90_099],
        kind: ErrorKind::Forbidden,
        remedy: NO_CONSENT,
    },
    Meaning {
        codes: &[50_020, 50_177],
        kind: ErrorKind::Forbidden,
        remedy: "the partner user is unknown there: put him into a security group that has an \
                 access assignment in the GDAP relationship with this customer",
    },
    Meaning {
        codes: &[50_076, 50_079, 50_158],
        kind: ErrorKind::Forbidden,
        remedy: "multi-factor authentication is asked for: sign the partner user in again with \
                 it, and put his new refresh token into `refresh_token`",
    },
    Meaning {
        codes: &[53_003, 530_032, 530_034, 53_011],
        kind: ErrorKind::Forbidden,
        remedy: "a conditional-access policy of this directory blocks the sign-in: let its admin \
                 except service-provider users (or this application) from it",
    },
    Meaning {
        codes: &[650_052],
        kind: ErrorKind::Forbidden,
        remedy: "this directory has no subscription for a service that the application asks for: \
                 take that permission out of the application, or let the directory subscribe",
    },
    Meaning {
        codes: &[90_002, 900_023, 5_000_224],
        kind: ErrorKind::NotFound,
        remedy: "there is no such directory: check `tenant_id`; if a customer's directory was \
                 deleted, add its GUID to `exclude`. Its people are kept",
    },
    Meaning {
        codes: &[500_011, 650_056, 650_057],
        kind: ErrorKind::Config,
        remedy: "check `graph_url` and the application's API permissions",
    },
    Meaning {
        codes: &[900_144, 9_002_313, 70_011, 28_002, 9_001_023],
        kind: ErrorKind::Rejected,
        remedy: "check `tenant_id`, `login_url` and `graph_url`",
    },
    Meaning {
        codes: &[90_055, 90_006, 90_024, 90_033, 90_090, 650_051],
        kind: ErrorKind::Unavailable,
        remedy: "nothing to do: the sign-in service asks for patience, the next run goes on",
    },
];

/// Reads a refused sign-in.
pub(super) fn read(operation: &str, error: &str, description: &str) -> Error {
    let code = code(description);
    let detail = match (code, first_line(description)) {
        (Some(_), line) => line,
        (None, line) if line.is_empty() => error.to_owned(),
        (None, line) => format!("{error}: {line}"),
    };
    let known = code.and_then(|code| MEANINGS.iter().find(|m| m.codes.contains(&code)));
    match known {
        Some(meaning) => Error::new(meaning.kind, operation, detail).with_remedy(meaning.remedy),
        None => Error::new(general_kind(error), operation, detail),
    }
}

fn general_kind(error: &str) -> ErrorKind {
    match error {
        "invalid_client" => ErrorKind::Auth,
        // Whatever is wrong with a grant may be wrong in this directory only.
        "invalid_grant"
        | "unauthorized_client"
        | "interaction_required"
        | "consent_required"
        | "access_denied" => ErrorKind::Forbidden,
        "temporarily_unavailable" | "server_error" => ErrorKind::Unavailable,
        _ => ErrorKind::Rejected,
    }
}

fn code(description: &str) -> Option<u32> {
    let (_, after) = description.split_once("AADSTS")?;
    let digits: String = after.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

/// What the service says, without its trace ids.
fn first_line(description: &str) -> String {
    let line = description.lines().next().unwrap_or_default();
    let line = line.split(" Trace ID:").next().unwrap_or_default();
    line.trim().chars().take(400).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(code: u32, error: &str) -> Error {
        let text = format!("AADSTS{code}: Because.\r\nTrace ID: 1\r\nTimestamp: now");
        read("sign in", error, &text)
    }

    #[test]
    fn the_number_stays_and_the_trace_goes() {
        let error = refusal(7_000_222, "invalid_client");
        assert_eq!(error.detail(), "AADSTS7000222: Because.");
        assert_eq!(error.kind(), ErrorKind::Auth);
        assert!(error.remedy().contains("expired"));
    }

    #[test]
    fn the_id_of_a_secret_pasted_for_its_value_is_said() {
        assert!(refusal(7_000_215, "invalid_client").remedy().contains("not its id"));
    }

    #[test]
    fn who_can_mend_it_is_told_by_the_number_and_not_by_the_error() {
        for (code, error, kind) in [
            (700_016, "unauthorized_client", ErrorKind::Forbidden),
            (65_001, "invalid_grant", ErrorKind::Forbidden),
            (700_082, "invalid_grant", ErrorKind::Auth),
            (50_173, "invalid_grant", ErrorKind::Auth),
            (50_020, "invalid_grant", ErrorKind::Forbidden),
            (53_003, "invalid_grant", ErrorKind::Forbidden),
            (90_002, "invalid_request", ErrorKind::NotFound),
            (90_033, "invalid_request", ErrorKind::Unavailable),
            (123_456, "temporarily_unavailable", ErrorKind::Unavailable),
            (123_456, "invalid_client", ErrorKind::Auth),
        ] {
            let refused = refusal(code, error);
            assert_eq!(refused.kind(), kind, "{code}");
            assert!(refused.detail().contains(&format!("AADSTS{code}")));
        }
    }

    #[test]
    fn a_description_without_a_number_is_told_as_it_is() {
        let error = read("sign in", "invalid_request", "Something else.");
        assert_eq!(error.detail(), "invalid_request: Something else.");
        assert_eq!(read("sign in", "invalid_request", "").detail(), "invalid_request");
    }
}
