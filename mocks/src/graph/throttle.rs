//! Resource units: what a call costs, and when an app has used up what it has in a tenant.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use uuid::Uuid;

use super::wire::Problem;
use crate::vendor::Call;

/// The buckets, one per app and tenant.
#[derive(Debug, Default)]
pub(super) struct Buckets {
    of: Mutex<HashMap<(Uuid, Uuid), Bucket>>,
}

#[derive(Debug)]
struct Bucket {
    units: f64,
    at: Instant,
}

impl Buckets {
    /// Takes `cost` units of `per_10_s`; answers how much of the quota is in use, or 429 with the
    /// seconds to wait. A refused call is charged as well, so retrying at once makes it worse.
    pub(super) fn take(
        &self,
        app: Uuid,
        tenant: Uuid,
        cost: u32,
        per_10_s: u32,
    ) -> Result<f64, Problem> {
        if per_10_s == 0 {
            return Ok(0.0);
        }
        let full = f64::from(per_10_s);
        let rate = full / 10.0;
        let mut of = self.of.lock().unwrap_or_else(PoisonError::into_inner);
        let bucket =
            of.entry((app, tenant)).or_insert_with(|| Bucket { units: full, at: Instant::now() });
        let passed = bucket.at.elapsed().as_secs_f64();
        bucket.at = Instant::now();
        bucket.units = (bucket.units + passed * rate).min(full);
        let cost = f64::from(cost);
        if bucket.units >= cost {
            bucket.units -= cost;
            return Ok(1.0 - bucket.units / full);
        }
        bucket.units = (bucket.units - cost).max(-rate);
        let wait = ((cost - bucket.units) / rate).max(0.001);
        Err(too_many(Some(&format!("{wait:.3}")), app, tenant))
    }
}

/// 429 as Graph says it.
pub(super) fn too_many(retry_after: Option<&str>, app: Uuid, tenant: Uuid) -> Problem {
    let mut problem = Problem::new(429, "TooManyRequests", "Please retry again later.");
    if let Some(seconds) = retry_after {
        problem = problem.with_header("retry-after", seconds);
    }
    problem
        .with_header("x-ms-throttle-scope", &format!("Tenant_Application/ReadWrite/{app}/{tenant}"))
        .with_header("x-ms-throttle-information", "ResourceUnitLimitExceeded")
}

/// What a call costs.
pub(super) fn cost(call: &Call, parts: &[&str]) -> u32 {
    if call.method != "GET" {
        return 1;
    }
    let base: i32 = match parts {
        ["users"] | ["users", _, "memberof" | "transitivememberof", ..] => 2,
        ["contracts"] | ["groups", _, "members", ..] => 3,
        ["groups", _, "transitivemembers", ..] => 5,
        _ => 1,
    };
    let has = |name: &str| call.param(name).is_some();
    let select = i32::from(has("$select"));
    let expand = i32::from(has("$expand"));
    let small = call.param("$top").and_then(|t| t.parse::<u32>().ok()).is_some_and(|t| t < 20);
    u32::try_from(base - select + expand - i32::from(small)).unwrap_or(1).max(1)
}
