-- Changes of definitions that wait for somebody's word. Nothing that resolves reads them: only when
-- one is approved does it become a revision.
create table change_request (
    number {number} primary key,
    at bigint not null,
    author text not null,
    note text not null,
    -- What would change, in the words of whoever asked; opaque here.
    document text not null,
    renewed_at bigint,
    renewed_by text,
    settled_at bigint,
    settled_by text,
    settled_note text,
    revision bigint references revision (number)
);
insert into counter (name, value) values ('request', 0);
