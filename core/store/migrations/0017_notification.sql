-- What people are told of sessions by mail, each thing once: `kind` is before or after. `state` is due (not before
-- `due`), sending (by `holder`, until `until`), sent, nobody, late, unsure or failed. `told` are addresses, as JSON.
-- `digest` is of the key that the links of a mail hold, `uses` says how often something was done with it. Times are
-- Unix microseconds.
create table notification (
    session text not null,
    kind text not null,
    tenant text not null,
    state text not null,
    due bigint not null,
    attempts bigint not null,
    holder text,
    until bigint,
    told text not null,
    error text,
    digest text,
    uses bigint not null,
    at bigint not null,
    primary key (session, kind)
);
create index notification_due on notification (due) where state = 'due';
create index notification_until on notification (until) where state = 'sending';
create index notification_at on notification (at);
create unique index notification_digest on notification (digest) where digest is not null;

-- Who is told of a computer's sessions besides its primary person.
create table notified_person (
    computer text not null,
    person text not null,
    added_by text not null,
    at bigint not null,
    primary key (computer, person)
);
