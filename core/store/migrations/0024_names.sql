-- Persons and memberships are many, and nobody but a command looks them up by name: reading their table once for that is
-- less than keeping their names in order, of which nearly each that comes changes another page.
drop index if exists person_name;
drop index if exists group_membership_name;
drop index if exists connection_member_name;
