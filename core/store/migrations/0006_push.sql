-- What the hub writes into other systems. How far each connection has come in the log of events is a row
-- of `cursor`.

-- A field that the hub was given, of one object there. `base` is what it held when the hub last wrote it
-- or last found it as it should be; `sent` is on its way; `ours` is a list (JSON) of everything that was
-- ever sent: a value that the hub wrote itself proves nothing when it is read back.
create table push_mark (
    connection text not null,
    object text not null,
    field text not null,
    base text,
    sent text,
    ours text not null,
    changed bigint not null,
    primary key (connection, object, field)
);

-- Objects that the hub made. The row is there before the object is, so that one that was made by a process
-- that died is found again; `object` is null until its key is known. `wanted` is what was asked for (JSON).
create table push_object (
    connection text not null,
    computer text not null,
    object text,
    wanted text not null,
    made bigint not null,
    primary key (connection, computer)
);
create index push_object_key on push_object (connection, object);

-- What is open: failures that are tried again, dead letters that are not, and changes of others that the
-- hub yields to. `object` is blank for one that is to be made.
create table push_item (
    connection text not null,
    computer text not null,
    object text not null,
    name text not null,
    state text not null,
    attempts bigint not null,
    next_at bigint not null,
    since bigint not null,
    changed bigint not null,
    error_kind text,
    error text,
    remedy text,
    conflicts text not null,
    primary key (connection, computer, object)
);
