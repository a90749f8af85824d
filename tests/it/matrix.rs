//! The matrix of single faults: what becomes of a sync when one thing goes wrong at page 10 of a
//! listing of 20,000 rows, of which the hub already holds every one.
//!
//! Each case starts from the same clean copy, reads everything anew with the fault, and is then
//! read once more without it. The result is a table in `docs/fault-matrix.md`; this test measures
//! it, compares, and says how to write it anew. What it refuses: an end that is neither complete,
//! nor failed with kind and remedy, nor held, and any row that is lost in silence.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, ensure};

use self::cases::CASES;
use self::subject::{Kind, Measured, Subject};

mod cases;
mod places;
mod subject;

/// What one connector did in every case, in the order of [`CASES`].
struct Column {
    kind: Kind,
    rows: i64,
    pages: u64,
    cells: Vec<String>,
    /// What went otherwise than it must.
    wrong: Vec<String>,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_single_fault_loses_a_row_in_silence() -> Result<()> {
    let started = Instant::now();
    let worlds = subject::Worlds::generate();
    let (azure, automate, control, halo) = tokio::join!(
        column(Kind::AzureAd, &worlds),
        column(Kind::Automate, &worlds),
        column(Kind::Control, &worlds),
        column(Kind::Halo, &worlds),
    );
    eprintln!("measured after {:?}", started.elapsed());
    let columns = [azure?, automate?, control?, halo?];
    let wrong: Vec<&str> =
        columns.iter().flat_map(|column| column.wrong.iter().map(String::as_str)).collect();
    let table = table(&columns);
    ensure!(wrong.is_empty(), "{}\n\n{table}", wrong.join("\n"));
    compare(&table)
}

async fn column(kind: Kind, worlds: &subject::Worlds) -> Result<Column> {
    let mut subject = Subject::start(kind, worlds).await.context(kind.title())?;
    let (mut cells, mut wrong) = (Vec::new(), Vec::new());
    for case in CASES {
        let what = format!("{}: {}", kind.title(), case.name);
        let started = Instant::now();
        let measured = subject.measure(case).await.with_context(|| what.clone())?;
        cells.push(measured.as_ref().map_or_else(|| "–".to_owned(), Measured::cell));
        let (cell, took) = (cells.last().map_or("", String::as_str), started.elapsed());
        eprintln!("{:>6} ms  {what}: {cell}", took.as_millis());
        let Some(measured) = measured else { continue };
        if let Err(error) = case.judge(&subject, &measured) {
            wrong.push(format!("{what}: {error:#}; the run: {:?}", measured.run));
        }
    }
    Ok(Column { kind, rows: subject.rows, pages: subject.pages, cells, wrong })
}

/// Compares the table with the one in the docs; `LINCHPIN_BLESS=1` writes it instead.
fn compare(table: &str) -> Result<()> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/fault-matrix.md");
    if std::env::var_os("LINCHPIN_BLESS").is_some() {
        return std::fs::write(&path, table).context("writing docs/fault-matrix.md");
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    ensure!(
        kept == table,
        "docs/fault-matrix.md is not what was measured; look at what changed, and if it is right \
         run `LINCHPIN_BLESS=1 cargo test -p tests --test it matrix`. Measured:\n\n{table}"
    );
    Ok(())
}

const HEAD: &str = "# What single faults do to a sync

<!-- Measured and written by tests/it/matrix.rs: LINCHPIN_BLESS=1 cargo test -p tests --test it matrix -->

The hub holds every row of a listing; everything is read again, and one thing goes wrong on its way:
at page 10 where there are pages, in the one answer of ConnectWise Control. Afterwards the system is
well again and the connection is synced once more.

";

const LEGEND: &str = "
- **complete**: read to its proven end, and every row is there. *n gone*: so many rows were deleted,
  just those that are gone at the source.
- **stops (kind)**: the run failed with an error of this kind that names the remedy (exit code 1 or
  3). Nothing was removed, and the next sync went on and ended complete.
- **held (n)**: read to its proven end, and so many deletions wait for `--accept-deletions`. Nothing
  was removed.
- **–**: the listing has no such thing (links between pages, pages, tokens).

*Once* is gone at the next request; *for good* stays as long as the run lasts.
";

fn table(columns: &[Column]) -> String {
    let mut text = HEAD.to_owned();
    let listing = |column: &Column| match column.pages {
        1 => format!("`{}`, {} rows in one answer", column.kind.listing(), column.rows),
        pages => format!("`{}`, {} rows on {pages} pages", column.kind.listing(), column.rows),
    };
    for column in columns {
        text.push_str(&format!("- {}: {}\n", column.kind.title(), listing(column)));
    }
    let titles: Vec<&str> = columns.iter().map(|column| column.kind.title()).collect();
    text.push_str(&format!("\n| case | {} |\n", titles.join(" | ")));
    text.push_str(&format!("|---|{}\n", "---|".repeat(columns.len())));
    for (at, case) in CASES.iter().enumerate() {
        let cells: Vec<&str> = columns.iter().map(|column| column.cells[at].as_str()).collect();
        text.push_str(&format!("| {} | {} |\n", case.name, cells.join(" | ")));
    }
    text.push_str(LEGEND);
    text
}
