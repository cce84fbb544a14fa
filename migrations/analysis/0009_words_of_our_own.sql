-- Words of every script, and the items of a chunk. Every file is read anew after this; until then a search goes by meaning alone.

-- Items that begin in a chunk, where that is more than the one that it is named after (postcard); NULL: no others.
ALTER TABLE chunks ADD COLUMN items BLOB;

-- What a word is, cache::words decides; `ascii` takes every other character as a part of one. Contentless as before.
DROP TABLE chunk_text;
CREATE VIRTUAL TABLE chunk_text USING fts5(name, path, body, content = '', contentless_delete = 1, tokenize = 'porter ascii');
INSERT INTO chunk_text (chunk_text, rank) VALUES ('usermerge', 2);
