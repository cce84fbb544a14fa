-- The tables of vectors that a repository has: one a model, each in a directory of its own next to this database. One is current: jobs
-- fill it, and embedded_files, provisional_files and dead_vectors are of it. One serves: searches read it. The two differ while the
-- current one is being filled.
CREATE TABLE vector_sets (
    model_id   TEXT PRIMARY KEY,
    directory  TEXT NOT NULL UNIQUE,
    is_current INTEGER NOT NULL,
    is_serving INTEGER NOT NULL
) STRICT;

-- What embedded_files had when another set became the current one. Without a key: vectors that are to be removed.
CREATE TABLE resting_files (
    model_id  TEXT NOT NULL REFERENCES vector_sets (model_id) ON DELETE CASCADE,
    file_path BLOB NOT NULL,
    embed_key BLOB,
    PRIMARY KEY (model_id, file_path)
) STRICT, WITHOUT ROWID;
