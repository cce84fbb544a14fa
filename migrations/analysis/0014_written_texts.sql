-- What a model wrote of files, to be searched: summaries, suggested first lines of documentation, findings. Made of the answers that the
-- view refers to (cache::written); it leaves with them.

CREATE TABLE written_texts (
    written_no INTEGER PRIMARY KEY,          -- rowid in written_words
    file_path  BLOB    NOT NULL,
    cache_key  BLOB    NOT NULL,             -- of the answer
    kind       TEXT    NOT NULL,             -- summary, doc, finding; empty: the answer has nothing to be searched
    item       TEXT,                         -- that it is about; NULL: the file
    line       INTEGER NOT NULL,
    body       TEXT    NOT NULL
) STRICT;
CREATE INDEX written_texts_answer ON written_texts (file_path, cache_key);
CREATE INDEX written_texts_key ON written_texts (cache_key);

CREATE VIRTUAL TABLE written_words USING fts5(body, content = '', contentless_delete = 1, tokenize = 'porter ascii');

CREATE TRIGGER written_words_go AFTER DELETE ON written_texts
BEGIN
    DELETE FROM written_words WHERE rowid = OLD.written_no;
END;

-- An answer that is removed, or is no longer that of its file.
CREATE TRIGGER written_texts_go_with_answers AFTER DELETE ON file_analysis
BEGIN
    DELETE FROM written_texts WHERE cache_key = OLD.cache_key;
END;
CREATE TRIGGER written_texts_go_with_keys AFTER DELETE ON current_keys
WHEN OLD.kind GLOB 'ask:*'
BEGIN
    DELETE FROM written_texts WHERE file_path = OLD.file_path AND cache_key = OLD.cache_key;
END;
