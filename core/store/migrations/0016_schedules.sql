-- What came of each time of a schedule: how many sessions were made, how many subjects had one that waits still, of
-- how many it was not known whether it is for them, how many are left alone. `started` is who had it run out of turn.
-- `word` says what else there is to say. Times are Unix microseconds.
create table schedule_run (
    schedule text not null,
    zone text not null,
    due bigint not null,
    at bigint not null,
    made bigint not null,
    waiting bigint not null,
    unknown bigint not null,
    left_alone bigint not null,
    batch text not null,
    started text,
    word text not null,
    primary key (schedule, zone, due)
);
create index schedule_run_at on schedule_run (at);

-- How each schedule stood when it was last looked at: for how many it is, of how many that is not known, and what is
-- wrong with it, since when.
create table schedule_check (
    schedule text not null primary key,
    members bigint not null,
    unknown bigint not null,
    problem text,
    since bigint not null
);
