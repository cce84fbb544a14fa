-- Answers of a model, item by item of a file, so that a change asks about what has changed.

-- Which answers the items of a file take theirs from: zstd(JSON).
CREATE TABLE answer_items (
    cache_key BLOB PRIMARY KEY,              -- of the answer about the file
    items     BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- An answer that is put together has a row in file_analysis without a report; these are the answers that it is put together from.
CREATE TABLE answer_sources (
    cache_key  BLOB NOT NULL,
    source_key BLOB NOT NULL,
    PRIMARY KEY (cache_key, source_key)
) STRICT, WITHOUT ROWID;
CREATE INDEX answer_sources_source ON answer_sources (source_key);

-- What is put together goes with any of its sources.
CREATE TRIGGER answers_go_whole AFTER DELETE ON file_analysis
BEGIN
    DELETE FROM file_analysis WHERE cache_key IN (SELECT cache_key FROM answer_sources WHERE source_key = OLD.cache_key);
    DELETE FROM answer_items WHERE cache_key = OLD.cache_key
        OR cache_key IN (SELECT cache_key FROM answer_sources WHERE source_key = OLD.cache_key);
    DELETE FROM answer_sources WHERE cache_key = OLD.cache_key
        OR cache_key IN (SELECT cache_key FROM answer_sources WHERE source_key = OLD.cache_key);
END;
