-- What analyses have in common, so that small ones pack well, too.

CREATE TABLE dictionaries (
    dictionary_id INTEGER PRIMARY KEY,       -- the first 8 bytes of its SHA-256, big-endian
    trained_at    INTEGER NOT NULL,          -- the newest is the one that is packed with
    trained_to    INTEGER NOT NULL,          -- entries up to this number were there then, ...
    repacked_to   INTEGER NOT NULL,          -- ... and those up to this one are packed with it
    dictionary    BLOB    NOT NULL           -- zstd
) STRICT;

-- The dictionary that analysis_json is packed with; NULL: none.
ALTER TABLE file_analysis ADD COLUMN dictionary_id INTEGER REFERENCES dictionaries (dictionary_id);
CREATE INDEX file_analysis_dictionary ON file_analysis (dictionary_id) WHERE dictionary_id IS NOT NULL;
