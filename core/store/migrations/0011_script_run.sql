-- Scripts on their way: sent to a machine through an agent, and not answered yet. The row is there before
-- the script is sent; `handle` is null until it is known under which the answer is to be had. `run` is the
-- name that the script carries. `about` is what was asked for (JSON). After `until` it is asked anew.
create table script_run (
    connection text not null,
    scope text not null,
    agent text not null,
    kind text not null,
    run text not null,
    handle text,
    about text not null,
    started bigint not null,
    until bigint not null,
    primary key (connection, scope, agent, kind)
);

-- What domain controllers of a tenant said whose an account (`domain\user`, lower case) is: an answer from
-- when it was first given until it was last confirmed. `upn` is null where there was none, and no other
-- answer before. `seq` is a number of changes.
create table account_answer (
    seq {number} primary key,
    tenant text not null,
    account text not null,
    upn text,
    at bigint not null,
    last_at bigint not null
);
create index account_answer_account on account_answer (tenant, account, seq);
