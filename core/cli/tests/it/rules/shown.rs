//! What people see, at a hundred columns and at sixty: the files in `shown/`. `LINCHPIN_BLESS=1` takes
//! what comes now as what is expected.

use std::path::Path;

use super::DAY;
use super::firm::Firm;

const DRAFT: &str = "[[deployment]]\nname = \"edr-fabrikam\"\nsoftware = \"edr\"\n\
                     state = \"absent\"\ntarget = { tenant = \"Fabrikam\" }\nnote = \"they left\"\n";

fn blessing() -> bool {
    std::env::var_os("LINCHPIN_BLESS").is_some()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_answer_reads_like_this_at_a_hundred_columns_and_at_sixty() {
    let firm = Firm::new().await;
    firm.put("draft.toml", DRAFT);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/rules/shown");
    let mut wrong = Vec::new();
    for (name, arguments) in [
        ("resolve", &["resolve", "tenant:Contoso", "group:Finance", "--as-of", DAY][..]),
        ("unknown", &["resolve", "--deployment", "softphone-finance", "--as-of", DAY]),
        ("winners", &["winners", "PC-042", "--as-of", DAY]),
        ("winners-tenant", &["winners", "--tenant", "Fabrikam", "--as-of", DAY]),
        ("winners-item", &["winners", "--tenant", "Contoso", "--item", "reader"]),
        ("explain", &["explain", "SRV-01", "reader", "--as-of", DAY]),
        ("explain-blocked", &["explain", "FAB-1", "softphone", "--as-of", DAY]),
        ("preview", &["preview", "--deployment", "reader-cnc", "--remove", "--as-of", DAY]),
        ("preview-file", &["preview", "draft.toml", "--as-of", DAY]),
        ("edges", &["edges", "--from", "2026-12-01", "--until", "2097-01-31"]),
        ("reconcile", &["reconcile", "--as-of", DAY]),
        ("expect", &["expect", "--as-of", DAY]),
        ("deployments", &["list", "deployments"]),
        ("deployment", &["show", "deployment", "reader-finance"]),
    ] {
        for columns in [100, 60] {
            let ran = firm.run_in(columns, arguments);
            assert!(matches!(ran.code, 0 | 3), "{name}: {}", ran.err);
            let file = folder.join(format!("{name}-{columns}.txt"));
            if blessing() {
                std::fs::create_dir_all(&folder).unwrap();
                std::fs::write(&file, &ran.out).unwrap();
                continue;
            }
            let expected = std::fs::read_to_string(&file).unwrap_or_default();
            if expected != ran.out {
                wrong.push(format!("{}:\n{}", file.display(), ran.out));
            }
        }
    }
    assert!(wrong.is_empty(), "LINCHPIN_BLESS=1 takes these:\n{}", wrong.join("\n"));
}
