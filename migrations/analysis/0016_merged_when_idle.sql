-- The parts of the word index are merged when the worker is idle, never within a change: its transaction writes what the change brings, and
-- the log stays small. Should it never be idle, so many parts are merged after all; FTS5 takes 2,000 at most.
INSERT INTO chunk_text (chunk_text, rank) VALUES ('automerge', 0);
INSERT INTO chunk_text (chunk_text, rank) VALUES ('crisismerge', 512);
