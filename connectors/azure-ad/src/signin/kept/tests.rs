use std::collections::HashMap;
use std::sync::Mutex;

use super::*;

/// A store in memory.
#[derive(Default)]
struct InMemory(Mutex<HashMap<String, String>>);

#[async_trait]
impl KeepSecret for InMemory {
    async fn kept(&self, name: &str) -> Result<Option<Secret>> {
        Ok(self.0.lock().unwrap().get(name).map(Secret::new))
    }

    async fn replace(&self, name: &str, before: Option<&Secret>, next: &Secret) -> Result<bool> {
        let mut all = self.0.lock().unwrap();
        if all.get(name).map(String::as_str) != before.map(Secret::expose) {
            return Ok(false);
        }
        all.insert(name.to_owned(), next.expose().to_owned());
        Ok(true)
    }
}

fn in_file(path: &Path, configured: &str) -> Kept {
    Kept::new(Some(path.to_owned()), None, &Secret::new(configured)).unwrap()
}

fn in_store(store: &Arc<InMemory>, configured: &str) -> Kept {
    let store = Arc::clone(store) as Arc<dyn KeepSecret>;
    Kept::new(None, Some(store), &Secret::new(configured)).unwrap()
}

async fn newest(kept: &Kept) -> Option<String> {
    kept.newest().await.unwrap().map(|token| token.expose().to_owned())
}

async fn renew(kept: &Kept, used: &str, next: &str) {
    kept.keep(&Secret::new(used), &Secret::new(next)).await;
}

#[tokio::test]
async fn the_newest_token_is_kept_for_its_owner_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    let kept = in_file(&path, "first");
    assert_eq!(newest(&kept).await, None);
    renew(&kept, "first", "second").await;
    renew(&kept, "second", "third").await;
    assert_eq!(newest(&kept).await.unwrap(), "third");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[tokio::test]
async fn a_newly_configured_refresh_token_beats_the_kept_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    renew(&in_file(&path, "first"), "first", "rotated").await;
    assert_eq!(newest(&in_file(&path, "anew")).await, None);
    std::fs::write(&path, "by hand\n").unwrap();
    assert_eq!(newest(&in_file(&path, "anew")).await.unwrap(), "by hand");

    let store = Arc::new(InMemory::default());
    renew(&in_store(&store, "first"), "first", "rotated").await;
    let anew = in_store(&store, "anew");
    assert_eq!(newest(&anew).await, None);
    renew(&anew, "anew", "of the new one").await;
    assert_eq!(newest(&anew).await.unwrap(), "of the new one");
}

#[test]
fn a_missing_directory_is_a_wrong_setting() {
    let path = PathBuf::from("/no/such/directory/token");
    let error = Kept::new(Some(path), None, &Secret::new("first")).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.to_string().contains("refresh_token_file"), "{error}");
}

#[tokio::test]
async fn of_two_processes_neither_takes_the_others_token_away() {
    let store = Arc::new(InMemory::default());
    let (one, other) = (in_store(&store, "first"), in_store(&store, "first"));
    // Both used the first one; the one that comes second leaves what is there.
    renew(&one, "first", "of one").await;
    renew(&other, "first", "of the other").await;
    assert_eq!(newest(&one).await.unwrap(), "of one");
    assert_eq!(newest(&other).await.unwrap(), "of one");
    renew(&other, "of one", "newer").await;
    assert_eq!(newest(&one).await.unwrap(), "newer");
}

#[tokio::test]
async fn a_file_is_taken_over_into_the_store_and_can_be_given_up() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    renew(&in_file(&path, "first"), "first", "second").await;
    let store = Arc::new(InMemory::default());
    let keep = Arc::clone(&store) as Arc<dyn KeepSecret>;
    let both = Kept::new(Some(path.clone()), Some(keep), &Secret::new("first")).unwrap();
    assert_eq!(newest(&both).await.unwrap(), "second");
    renew(&both, "second", "third").await;
    assert_eq!(newest(&in_store(&store, "first")).await.unwrap(), "third");
    assert_eq!(newest(&in_file(&path, "first")).await.unwrap(), "third");
}
