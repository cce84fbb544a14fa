-- Paths are bytes; times are milliseconds since the Unix epoch, UTC.

CREATE TABLE repos (
    repo_id        TEXT    PRIMARY KEY,
    path           BLOB    NOT NULL UNIQUE,  -- canonical: the work tree's top, or a bare repository's directory
    kind           TEXT    NOT NULL,
    git_dir        BLOB    NOT NULL,
    common_dir     BLOB    NOT NULL,
    root_commit    BLOB,
    registered_at  INTEGER NOT NULL,
    -- what the last reconcile found
    head           BLOB,                     -- the commit that HEAD named; NULL: unborn
    indexed_commit BLOB,                     -- the commit that the view describes
    planned_with   BLOB,                     -- hash of what the last full plan depended on besides the view
    reconciled_at  INTEGER,
    held           TEXT,                     -- the operation in progress that holds work back (rebase, merge, ...)
    error          TEXT
) STRICT;

CREATE TABLE jobs (
    job_id        INTEGER PRIMARY KEY,
    repo_id       TEXT    NOT NULL REFERENCES repos ON DELETE CASCADE,
    file_path     BLOB    NOT NULL,
    kind          TEXT    NOT NULL,          -- embed, analyze:<type>
    cache_key     BLOB    NOT NULL,          -- of the result
    blob_id       BLOB    NOT NULL,          -- the Git object that holds the content
    state         TEXT    NOT NULL CHECK (state IN ('queued','running','parked','done','discarded','superseded','quarantined')),
    priority      INTEGER NOT NULL,          -- lower runs first
    origin        INTEGER NOT NULL,          -- inside a priority, lower runs first
    reason        TEXT    NOT NULL,
    reason_symbol TEXT,                      -- of dependency-changed: what changed ...
    reason_file   BLOB,                      -- ... and where
    attempts      INTEGER NOT NULL DEFAULT 0,
    not_before    INTEGER NOT NULL DEFAULT 0,
    detail        TEXT,                      -- why parked, discarded, quarantined or waiting for a retry
    created_at    INTEGER NOT NULL,
    updated_at    INTEGER NOT NULL
) STRICT;

-- At most one live job per repository, path and kind.
CREATE UNIQUE INDEX jobs_live ON jobs (repo_id, file_path, kind) WHERE state IN ('queued', 'running', 'parked');
-- The order in which jobs are claimed.
CREATE INDEX jobs_claim ON jobs (priority, origin, job_id) WHERE state = 'queued';
CREATE INDEX jobs_ended ON jobs (repo_id, file_path, kind) WHERE state IN ('done', 'superseded');
CREATE INDEX jobs_state ON jobs (state, repo_id);

-- Blobs and jobs that were being worked on when a worker crashed. They run alone until they pass.
CREATE TABLE suspects (
    subject TEXT    PRIMARY KEY,             -- 'blob:<hex>' or 'job:<repo>:<kind>:<key hex>'
    alone   INTEGER NOT NULL DEFAULT 0       -- crashes while nothing else ran
) STRICT;

CREATE TABLE settings (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;
