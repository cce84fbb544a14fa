-- One repository's store. Paths are bytes; hashes are 32 bytes; times are milliseconds since the Unix epoch, UTC.

CREATE TABLE cache_metadata (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;

-- ---- the view: what is indexed -------------------------------------------------------------------------------------
CREATE TABLE files (
    file_path     BLOB    PRIMARY KEY,
    blob_id       BLOB    NOT NULL,
    mode          TEXT    NOT NULL,
    source        TEXT    NOT NULL,
    size_bytes    INTEGER NOT NULL,
    language      TEXT    NOT NULL,
    role          TEXT    NOT NULL,
    skip_reason   TEXT,                      -- NULL: indexed
    content_hash  BLOB,                      -- NULL: not read
    module_path   TEXT,
    crate_root    INTEGER NOT NULL DEFAULT 0,
    deps_hash     BLOB,
    uses          BLOB                       -- zstd(JSON) of the dependency context that deps_hash hashes
) STRICT, WITHOUT ROWID;

-- Tree ids of the directories below which the files above are what the tree says: equal id, nothing to look at.
CREATE TABLE directories (
    dir_path BLOB PRIMARY KEY,
    tree_id  BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE outlines (
    content_hash BLOB    NOT NULL,
    language     TEXT    NOT NULL,
    version      INTEGER NOT NULL,
    outline      BLOB    NOT NULL,
    PRIMARY KEY (content_hash, language)
) STRICT, WITHOUT ROWID;

CREATE TABLE file_dependencies (
    source_file     BLOB NOT NULL,           -- is depended upon
    dependent_file  BLOB NOT NULL,
    dependency_type TEXT NOT NULL,
    symbol_name     TEXT NOT NULL,
    repo_id         TEXT NOT NULL,
    PRIMARY KEY (source_file, dependent_file, dependency_type, symbol_name)
) STRICT, WITHOUT ROWID;
CREATE INDEX file_dependencies_dependent ON file_dependencies (dependent_file);

-- ---- analyses: write-once, by key -------------------------------------------------------------------------------------
CREATE TABLE file_analysis (
    analysis_id        INTEGER PRIMARY KEY,
    file_path          BLOB    NOT NULL,     -- where the content was when it was analysed
    content_hash       BLOB    NOT NULL,
    cache_key          BLOB    NOT NULL UNIQUE,
    analysis_json      BLOB    NOT NULL,     -- zstd
    analysis_type      TEXT    NOT NULL,
    model_id           TEXT    NOT NULL,
    prompt_hash        BLOB    NOT NULL,
    schema_version     INTEGER NOT NULL,
    config_hash        BLOB    NOT NULL,
    deps_hash          BLOB    NOT NULL,
    generation_time_ms INTEGER NOT NULL,
    cost               INTEGER NOT NULL,     -- nano-dollars
    input_tokens       INTEGER NOT NULL,
    output_tokens      INTEGER NOT NULL,
    total_tokens       INTEGER NOT NULL,
    created_at         INTEGER NOT NULL,
    last_accessed      INTEGER NOT NULL,
    access_count       INTEGER NOT NULL,
    size_bytes         INTEGER NOT NULL,     -- of the JSON before compression
    repo_id            TEXT    NOT NULL,
    repo_path          BLOB    NOT NULL
) STRICT;
CREATE INDEX file_analysis_path ON file_analysis (file_path, analysis_type, created_at);

-- The key that each result of each indexed file has now. Fresh is an analysis with a row in file_analysis under its key, and an
-- embedding whose key embedded_files holds.
CREATE TABLE current_keys (
    file_path BLOB NOT NULL,
    kind      TEXT NOT NULL,                 -- as in agent.db: embed, analyze:<type>
    cache_key BLOB NOT NULL,
    PRIMARY KEY (file_path, kind)
) STRICT, WITHOUT ROWID;
CREATE INDEX current_keys_key ON current_keys (cache_key);

CREATE TABLE pruning_stats (
    pruned_at        INTEGER NOT NULL,
    entries_removed  INTEGER NOT NULL,
    bytes_freed      INTEGER NOT NULL,
    pruning_strategy TEXT    NOT NULL,
    total_entries    INTEGER NOT NULL,       -- after
    total_bytes      INTEGER NOT NULL        -- after
) STRICT;

-- ---- chunks: the lexical index; vectors are in LanceDB under the same chunk_id ------------------------------------------------
CREATE TABLE chunks (
    chunk_no    INTEGER PRIMARY KEY,         -- rowid in chunk_text
    chunk_id    TEXT    NOT NULL UNIQUE,
    file_path   BLOB    NOT NULL,
    chunk_hash  BLOB    NOT NULL,
    entity_type TEXT    NOT NULL,
    entity_name TEXT    NOT NULL,
    start_line  INTEGER NOT NULL,
    end_line    INTEGER NOT NULL
) STRICT;
CREATE INDEX chunks_path ON chunks (file_path);

-- Contentless: the text itself is in the repository and in LanceDB.
CREATE VIRTUAL TABLE chunk_text USING fts5(name, path, body, content = '', contentless_delete = 1, tokenize = 'porter unicode61');

-- Files whose vectors are in LanceDB, and what they were made from.
CREATE TABLE embedded_files (
    file_path BLOB PRIMARY KEY,
    embed_key BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- Files whose vectors in LanceDB are to be removed.
CREATE TABLE dead_vectors (
    file_path BLOB PRIMARY KEY
) STRICT, WITHOUT ROWID;
