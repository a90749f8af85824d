-- Whoever asks for anything asks how reading each stream went last: of thousands of streams with thousands of runs each, the
-- newest that is over, and the newest that was complete. And whether any run is over since.
create index run_of_stream on run (connection, stream, scope, ended, id) where ended is not null;
create index run_complete on run (connection, stream, scope, ended) where outcome in ('complete', 'held');
create index run_ended on run (ended) where ended is not null;
