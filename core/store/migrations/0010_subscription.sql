-- What the hub asked systems to tell it of by themselves, and what is wrong with it. A row whose `scope` and
-- `topic` are empty is of the connection as a whole. `mark` changes where it must be made anew, `asked` is 1
-- where the system wants it looked at.
create table subscription (
    connection text not null,
    scope text not null,
    topic text not null,
    scope_name text not null,
    id text,
    mark text not null,
    ends bigint,
    asked bigint not null,
    failed bigint,
    error_kind text,
    error text,
    remedy text,
    primary key (connection, scope, topic)
);
