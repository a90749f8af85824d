-- Changes whose entities were written together with them, ahead of whoever derives the others in turn: the first and the
-- last of each row of numbers.
create table derived (
    first_seq bigint not null primary key,
    last_seq bigint not null
);
create index derived_last on derived (last_seq);
