-- The queue of sessions. `kind` is its place in the order (0 ad-hoc, 1 onboarding, 2 scheduled); what waits
-- is taken by kind, of each kind tenants in turn, of each tenant the oldest first. `batch` is its group.
-- What runs is `engine`'s until `until`; what waits does so until `expires`. Sessions of before have none of
-- it: they are ad-hoc, and wait or run until somebody says otherwise.
alter table session add column kind bigint not null default 0;
alter table session add column batch text;
alter table session add column engine text;
alter table session add column until bigint;
alter table session add column expires bigint;
create index session_waiting on session (kind, tenant, asked, id) where state = 'waiting';
create index session_running on session (subject, tenant, engine) where state = 'running';
create index session_until on session (until) where state = 'running';
create index session_expires on session (expires) where state = 'waiting';
create index session_batch on session (batch) where batch is not null;

-- The number of each tenant's last turn: of the change by which a session of it was begun.
create table session_turn (
    tenant text not null primary key,
    taken bigint not null
);
