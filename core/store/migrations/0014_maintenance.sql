-- What sessions did. A session that waits for a time has it in `ready`; one that a schedule asked for has its name
-- in `schedule`.
alter table session add column ready bigint;
alter table session add column schedule text;
create index session_subject on session (subject);
create index session_schedule on session (schedule, state) where schedule is not null;

-- The book of a session: each step, before and after. `step`, `run`, `outcome` and `said` are JSON; `outcome` is null
-- while the step is under way. Times are Unix microseconds.
create table session_line (
    session text not null,
    number bigint not null,
    half text not null,
    step text not null,
    run text,
    outcome text,
    said text not null,
    began bigint not null,
    ended bigint,
    primary key (session, number)
);

-- The plan of a session, as JSON.
create table session_plan (
    session text not null primary key,
    document text not null
);

-- What came of each action of a session: the last word about an item of a subject is the one of the newest session.
-- `result` is the word for it (compliant, failed, …), `class` why it failed, in a word. `item` is its key.
create table session_action (
    session text not null,
    number bigint not null,
    tenant text not null,
    subject text not null,
    subject_name text not null,
    item text not null,
    title text not null,
    deployment text,
    does text not null,
    result text not null,
    class text,
    message text not null,
    at bigint not null,
    primary key (session, number)
);
create index session_action_item on session_action (item, at);
create index session_action_subject on session_action (subject, at);
create index session_action_bad on session_action (class, at) where class is not null;

-- One-run tokens: by which a computer fetches the secrets of one script, once. Only a digest of the token is here,
-- and only the names of the secrets (JSON: by parameter).
create table run_token (
    digest text not null primary key,
    session text not null,
    secrets text not null,
    until bigint not null,
    used bigint
);
create index run_token_until on run_token (until);
