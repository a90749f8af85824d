//! Tokens, kept until shortly before they expire, and renewed by one while the others wait.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex as StdMutex, PoisonError};
use std::time::Duration;

use core_connector::{Result, Secret};
use tokio::sync::Mutex;
use tokio::time::Instant;

/// Renewed this long before the end, or at half its life if that is shorter.
const MARGIN: Duration = Duration::from_secs(120);

/// An access token.
#[derive(Clone, Debug)]
pub struct Token {
    /// What is sent.
    pub value: Secret,
    /// How long it is good for, from now.
    pub lifetime: Duration,
}

#[derive(Clone)]
struct Kept {
    value: Secret,
    renew_at: Instant,
    generation: u64,
}

type Slot = Arc<Mutex<(u64, Option<Kept>)>>;

/// Tokens by scope.
#[derive(Default)]
pub struct TokenCache {
    slots: StdMutex<HashMap<String, Slot>>,
}

impl TokenCache {
    /// The token of a scope and its generation; fetched where there is none or it is about to end.
    /// Whoever asks meanwhile waits for the same fetch.
    ///
    /// # Errors
    /// As `fetch`.
    pub async fn get<F, Fut>(&self, scope: &str, fetch: F) -> Result<(Secret, u64)>
    where
        F: FnOnce() -> Fut + Send,
        Fut: Future<Output = Result<Token>> + Send,
    {
        let slot = self.slot(scope);
        let mut slot = slot.lock().await;
        if let Some(kept) = &slot.1
            && Instant::now() < kept.renew_at
        {
            return Ok((kept.value.clone(), kept.generation));
        }
        let asked = Instant::now();
        let token = fetch().await?;
        let margin = MARGIN.min(token.lifetime / 2);
        let generation = slot.0 + 1;
        let renew_at = asked + (token.lifetime - margin);
        *slot = (generation, Some(Kept { value: token.value.clone(), renew_at, generation }));
        Ok((token.value, generation))
    }

    /// Forgets the token of this generation; a newer one stays.
    pub async fn forget(&self, scope: &str, generation: u64) {
        let slot = self.slot(scope);
        let mut slot = slot.lock().await;
        if slot.0 == generation {
            slot.1 = None;
        }
    }

    fn slot(&self, scope: &str) -> Slot {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(slots.entry(scope.to_owned()).or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    async fn fetch(count: &AtomicU32) -> Result<Token> {
        let number = count.fetch_add(1, Ordering::SeqCst) + 1;
        tokio::time::sleep(Duration::from_millis(10)).await;
        Ok(Token {
            value: Secret::new(format!("token {number}")),
            lifetime: Duration::from_secs(3599),
        })
    }

    #[tokio::test(start_paused = true)]
    async fn many_ask_and_one_signs_in() {
        let (cache, count) = (TokenCache::default(), AtomicU32::new(0));
        let asking = (0..50).map(|_| cache.get("a", || fetch(&count)));
        let tokens = futures::future::join_all(asking).await;
        assert!(tokens.iter().all(|t| t.as_ref().unwrap().0.expose() == "token 1"));
        cache.get("b", || fetch(&count)).await.unwrap();
        assert_eq!(count.load(Ordering::SeqCst), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_is_renewed_before_it_ends() {
        let (cache, count) = (TokenCache::default(), AtomicU32::new(0));
        cache.get("", || fetch(&count)).await.unwrap();
        tokio::time::advance(Duration::from_secs(3400)).await;
        assert_eq!(cache.get("", || fetch(&count)).await.unwrap().0.expose(), "token 1");
        tokio::time::advance(Duration::from_secs(100)).await;
        assert_eq!(cache.get("", || fetch(&count)).await.unwrap().0.expose(), "token 2");
    }

    #[tokio::test(start_paused = true)]
    async fn of_many_refused_only_the_first_renews() {
        let (cache, count) = (TokenCache::default(), AtomicU32::new(0));
        let (_, first) = cache.get("", || fetch(&count)).await.unwrap();
        for _ in 0..5 {
            cache.forget("", first).await;
            cache.get("", || fetch(&count)).await.unwrap();
        }
        assert_eq!(count.load(Ordering::SeqCst), 2);
    }
}
