-- Pages of vendors of which every record was stored as the page has it: a digest of their names and hashes, the number
-- of the newest change then, and the round that read the page last. Whoever rewrites hashes of records empties this.
create table known_page (
    stream_id bigint not null,
    digest text not null,
    change_seq bigint not null,
    sweep bigint not null,
    primary key (stream_id, digest)
);
-- Records that were not only ever new: what may have made such a page another one.
create index source_record_touched on source_record (stream_id, change_seq)
    where changed_at > first_seen or gone_since is not null;
