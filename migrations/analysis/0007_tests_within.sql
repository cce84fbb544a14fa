-- Whether a chunk is a test or stands in a module of tests. Every file is read anew after this.
ALTER TABLE chunks ADD COLUMN is_test INTEGER NOT NULL DEFAULT 0;
