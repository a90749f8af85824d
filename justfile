# The verbs of this repository. `just` alone lists them; each is a command or two that can be typed
# by hand too.

_:
    @just --list --unsorted

# Whatever a change must pass, without tests
check:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets -- -D warnings
    cargo deny --log-level error check --hide-inclusion-graph bans licenses sources

# The tests, or those that match: `just test -p core-store`, `just test false_merge`
test *args:
    cargo nextest run --workspace {{ args }}

# Everything that a merge must pass, with its own PostgreSQL where there is none
ci:
    .ci/run

# The product on an imaginary MSP: `just demo --computers 500 --once`
demo *args:
    cargo run -p linchpin -- demo {{ args }}

# Take what the tests found as what they should find (snapshots, tables in docs/); read the diff
bless *args:
    LINCHPIN_BLESS=1 INSTA_UPDATE=always cargo nextest run --workspace {{ args }}

# How fast it is: JSON on standard output
bench *args:
    cargo bench -p tests --bench sync -- {{ args }}
