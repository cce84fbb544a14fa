-- The worker merges the parts of the word index when it is idle: two of about the same size suffice, in the place of four.
INSERT INTO chunk_text (chunk_text, rank) VALUES ('usermerge', 2);
