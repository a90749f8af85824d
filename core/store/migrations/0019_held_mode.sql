-- Agents that a session has put into the maintenance mode of their RMM. A row is there before the RMM is asked, and goes
-- when the agent was taken out again, also where the session is over and its engine lost. `at` is in Unix microseconds.
create table held_mode (
    connection text not null,
    agent text not null,
    session text not null,
    at bigint not null,
    primary key (connection, agent)
);
create index held_mode_session on held_mode (session);
