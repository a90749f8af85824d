-- How far each planned run has come: every time up to `handled` was run or made up for. 0 is a run that
-- is due since ever. `spec` is the pattern and its zone: under another one, nothing was missed.
create table schedule (
    name text not null primary key,
    spec text not null,
    handled bigint not null
);
