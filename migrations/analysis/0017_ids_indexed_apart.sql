-- The ids of chunks are hashes: each entry is on a page of its own. The index has a name, so that a first index can do without it and make
-- it at its end.
CREATE TABLE chunks_without_ids (
    chunk_no    INTEGER PRIMARY KEY,         -- rowid in chunk_text
    chunk_id    BLOB    NOT NULL,
    path_no     INTEGER NOT NULL,
    chunk_hash  BLOB    NOT NULL,
    entity_type TEXT    NOT NULL,
    entity_name TEXT    NOT NULL,
    start_line  INTEGER NOT NULL,
    end_line    INTEGER NOT NULL,
    is_test     INTEGER NOT NULL DEFAULT 0,
    items       BLOB
) STRICT;
INSERT INTO chunks_without_ids
    SELECT chunk_no, chunk_id, path_no, chunk_hash, entity_type, entity_name, start_line, end_line, is_test, items FROM chunks;
DROP TABLE chunks;
ALTER TABLE chunks_without_ids RENAME TO chunks;
CREATE INDEX chunks_path ON chunks (path_no);
CREATE UNIQUE INDEX chunks_id ON chunks (chunk_id);
