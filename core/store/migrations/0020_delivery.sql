-- What waits, what is done and what was given up, each in an index of its own: ids of what is done are remembered for days, and
-- whoever asks for the few others must not walk through them.
drop index delivery_waiting;
drop index delivery_settled;
create index delivery_due on delivery (seq, next_try) where next_try is not null;
create index delivery_done on delivery (settled) where settled is not null and error is null;
create index delivery_given_up on delivery (seq, received) where settled is not null and error is not null;
