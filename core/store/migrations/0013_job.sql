-- What takes long and was asked of a daemon: which work, with what (`about`, JSON), and how it ended
-- (`result`, JSON). Of several daemons one works at a time; what is `running` while nobody is at work was
-- left by a process that died, and is begun again. What waits does so until `due`.
create table job (
    id text not null primary key,
    work text not null,
    about text not null,
    asked_by text not null,
    asked bigint not null,
    state text not null,
    due bigint not null,
    begun bigint not null,
    started bigint,
    ended bigint,
    result text,
    error text,
    remedy text
);
create index job_asked on job (asked, id);
create index job_due on job (due, asked, id) where state in ('waiting', 'running');
