-- Paths and symbols that many rows name are stored once, and rows with long columns in tables that pack them well.

CREATE TABLE paths (
    path_no   INTEGER PRIMARY KEY,
    file_path BLOB    NOT NULL UNIQUE
) STRICT;

-- ---- edges --------------------------------------------------------------------------------------------------------------
-- What files use of a file.
CREATE TABLE used_symbols (
    symbol_no       INTEGER PRIMARY KEY,
    path_no         INTEGER NOT NULL,            -- is depended upon
    symbol_name     TEXT    NOT NULL,
    dependency_type TEXT    NOT NULL,
    UNIQUE (path_no, symbol_name, dependency_type)
) STRICT;

CREATE TABLE edge_uses (
    path_no   INTEGER NOT NULL,                  -- depends
    symbol_no INTEGER NOT NULL,
    PRIMARY KEY (path_no, symbol_no)
) STRICT, WITHOUT ROWID;
CREATE INDEX edge_uses_symbol ON edge_uses (symbol_no);

CREATE TABLE edge_reexports (
    path_no   INTEGER NOT NULL,
    symbol_no INTEGER NOT NULL,
    PRIMARY KEY (path_no, symbol_no)
) STRICT, WITHOUT ROWID;
CREATE INDEX edge_reexports_symbol ON edge_reexports (symbol_no);

INSERT OR IGNORE INTO paths (file_path)
    SELECT source_file FROM file_dependencies UNION SELECT dependent_file FROM file_dependencies
    UNION SELECT source_file FROM file_reexports UNION SELECT dependent_file FROM file_reexports
    UNION SELECT interface_file FROM implementations UNION SELECT implementation_file FROM implementations
    UNION SELECT declared_in FROM implementations
    UNION SELECT file_path FROM chunks;
INSERT OR IGNORE INTO used_symbols (path_no, symbol_name, dependency_type)
    SELECT path_no, symbol_name, dependency_type FROM file_dependencies JOIN paths ON file_path = source_file
    UNION SELECT path_no, symbol_name, dependency_type FROM file_reexports JOIN paths ON file_path = source_file;
INSERT OR IGNORE INTO edge_uses
    SELECT d.path_no, u.symbol_no FROM file_dependencies e
    JOIN paths d ON d.file_path = e.dependent_file JOIN paths s ON s.file_path = e.source_file
    JOIN used_symbols u ON u.path_no = s.path_no AND u.symbol_name = e.symbol_name AND u.dependency_type = e.dependency_type;
INSERT OR IGNORE INTO edge_reexports
    SELECT d.path_no, u.symbol_no FROM file_reexports e
    JOIN paths d ON d.file_path = e.dependent_file JOIN paths s ON s.file_path = e.source_file
    JOIN used_symbols u ON u.path_no = s.path_no AND u.symbol_name = e.symbol_name AND u.dependency_type = e.dependency_type;
DROP TABLE file_dependencies;
DROP TABLE file_reexports;

CREATE VIEW file_dependencies AS
    SELECT s.file_path AS source_file, d.file_path AS dependent_file, u.dependency_type, u.symbol_name
    FROM edge_uses e JOIN used_symbols u USING (symbol_no)
    JOIN paths s ON s.path_no = u.path_no JOIN paths d ON d.path_no = e.path_no;
CREATE VIEW file_reexports AS
    SELECT s.file_path AS source_file, d.file_path AS dependent_file, u.dependency_type, u.symbol_name
    FROM edge_reexports e JOIN used_symbols u USING (symbol_no)
    JOIN paths s ON s.path_no = u.path_no JOIN paths d ON d.path_no = e.path_no;

-- Which class implements which interface, member by member where both sides have it.
CREATE TABLE numbered_implementations (
    declared_no       INTEGER NOT NULL,          -- the file that makes the link
    interface_no      INTEGER NOT NULL,
    interface         TEXT    NOT NULL,          -- a symbol of that file
    implementation_no INTEGER NOT NULL,
    implementation    TEXT    NOT NULL
) STRICT;
INSERT INTO numbered_implementations
    SELECT d.path_no, i.path_no, l.interface, m.path_no, l.implementation FROM implementations l
    JOIN paths d ON d.file_path = l.declared_in JOIN paths i ON i.file_path = l.interface_file
    JOIN paths m ON m.file_path = l.implementation_file;
DROP TABLE implementations;
ALTER TABLE numbered_implementations RENAME TO implementations;
CREATE INDEX implementations_declared ON implementations (declared_no);
CREATE INDEX implementations_interface ON implementations (interface_no);
CREATE INDEX implementations_implementation ON implementations (implementation_no);

-- ---- chunks -------------------------------------------------------------------------------------------------------------
CREATE TABLE numbered_chunks (
    chunk_no    INTEGER PRIMARY KEY,         -- rowid in chunk_text
    chunk_id    BLOB    NOT NULL UNIQUE,
    path_no     INTEGER NOT NULL,
    chunk_hash  BLOB    NOT NULL,
    entity_type TEXT    NOT NULL,
    entity_name TEXT    NOT NULL,
    start_line  INTEGER NOT NULL,
    end_line    INTEGER NOT NULL,
    is_test     INTEGER NOT NULL DEFAULT 0,
    items       BLOB
) STRICT;
INSERT OR IGNORE INTO numbered_chunks
    SELECT chunk_no, unhex(chunk_id), path_no, chunk_hash, entity_type, entity_name, start_line, end_line, is_test, items
    FROM chunks JOIN paths USING (file_path) WHERE unhex(chunk_id) IS NOT NULL;
DROP TABLE chunks;
ALTER TABLE numbered_chunks RENAME TO chunks;
CREATE INDEX chunks_path ON chunks (path_no);

-- ---- files and outlines -------------------------------------------------------------------------------------------------
-- In a table without row numbers a long row takes a page of its own.
DROP VIEW present_files;
CREATE TABLE packed_files (
    file_path     BLOB    PRIMARY KEY NOT NULL,
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
    uses          BLOB,                      -- zstd of the dependency context that deps_hash hashes
    context_hash  BLOB
) STRICT;
INSERT INTO packed_files
    SELECT file_path, blob_id, mode, source, size_bytes, language, role, skip_reason, content_hash, module_path, crate_root,
           deps_hash, uses, context_hash
    FROM files;
DROP TABLE files;
ALTER TABLE packed_files RENAME TO files;

CREATE VIEW present_files AS
    SELECT file_path, blob_id, mode, source, size_bytes, language, role, skip_reason, content_hash, module_path, crate_root,
           deps_hash, uses, context_hash
    FROM overlay_files
    UNION ALL
    SELECT file_path, blob_id, mode, source, size_bytes, language, role, skip_reason, content_hash, module_path, crate_root,
           deps_hash, uses, context_hash
    FROM files f WHERE NOT EXISTS (SELECT 1 FROM overlay_files o WHERE o.file_path = f.file_path);

CREATE TABLE packed_outlines (
    content_hash BLOB    NOT NULL,
    language     TEXT    NOT NULL,
    version      INTEGER NOT NULL,
    outline      BLOB    NOT NULL,
    PRIMARY KEY (content_hash, language)
) STRICT;
INSERT INTO packed_outlines SELECT content_hash, language, version, outline FROM outlines;
DROP TABLE outlines;
ALTER TABLE packed_outlines RENAME TO outlines;

-- Words that wait in memory for the end of a transaction, in bytes: more of them make fewer parts, which are to be merged.
INSERT INTO chunk_text (chunk_text, rank) VALUES ('hashsize', 8388608);
