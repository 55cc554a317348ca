-- Admins are told what only a person can mend; they are few among many.
CREATE INDEX users_admins ON users (id) WHERE roles @> '{admin}';
