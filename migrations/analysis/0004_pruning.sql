-- What pruning leaves behind, and what it may take.

-- Results that the view refers to and that were removed to keep the cache within its limit. Planning takes them for settled, so
-- that they are not made again only to be removed again; the mark counts only while the view refers to the key.
CREATE TABLE evicted (
    cache_key  BLOB    PRIMARY KEY,
    evicted_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TRIGGER evicted_until_made_again AFTER INSERT ON file_analysis
BEGIN
    DELETE FROM evicted WHERE cache_key = NEW.cache_key;
END;

-- Vectors of chunks that are in no file any more: a revert or a switch of branches finds them here.
CREATE TABLE retired_vectors (
    vector_id  INTEGER PRIMARY KEY,
    chunk_hash BLOB    NOT NULL,
    model_id   TEXT    NOT NULL,
    vector     BLOB    NOT NULL,             -- f32, little-endian
    retired_at INTEGER NOT NULL,
    UNIQUE (chunk_hash, model_id)
) STRICT;
