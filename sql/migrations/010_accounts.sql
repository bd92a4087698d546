-- A deleted account keeps its row, so that what it wrote still has a sender. Nobody finds a row without a key by its
-- name, and the name is free again: a unique key takes any number of NULLs.

ALTER TABLE users MODIFY username_key VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL;
