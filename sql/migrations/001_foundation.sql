-- People, conversations and messages. Why two counters carry everything: docs/architecture.md.

CREATE TABLE IF NOT EXISTS users (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  username VARCHAR(32) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  username_key VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  password_hash CHAR(60) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  password_scheme TINYINT UNSIGNED NOT NULL,
  auth_version INT UNSIGNED NOT NULL DEFAULT 1,
  locale VARCHAR(8) CHARACTER SET ascii COLLATE ascii_bin NULL,
  theme VARCHAR(8) CHARACTER SET ascii COLLATE ascii_bin NULL,
  time_zone VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL,
  last_seen_at DATETIME(3) NULL,
  created_at DATETIME(3) NOT NULL,
  UNIQUE KEY users_username_key (username_key)
) ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci;

-- Every ending of every name but the whole one, so that "any part of a name" is a prefix range.
-- fresh_from: the shortest beginning of the ending (in characters) that stands nowhere earlier in the name.
CREATE TABLE IF NOT EXISTS username_suffixes (
  suffix VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  user_id BIGINT UNSIGNED NOT NULL,
  fresh_from TINYINT UNSIGNED NOT NULL,
  PRIMARY KEY (suffix, user_id)
) ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci;

CREATE TABLE IF NOT EXISTS conversations (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  kind ENUM('direct', 'room') NOT NULL,
  direct_key VARCHAR(41) CHARACTER SET ascii COLLATE ascii_bin NULL,
  last_seq BIGINT UNSIGNED NOT NULL DEFAULT 0,
  last_rev BIGINT UNSIGNED NOT NULL DEFAULT 0,
  last_message_at DATETIME(3) NULL,
  created_at DATETIME(3) NOT NULL,
  UNIQUE KEY conversations_direct_key (direct_key)
) ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci;

CREATE TABLE IF NOT EXISTS memberships (
  conversation_id BIGINT UNSIGNED NOT NULL,
  user_id BIGINT UNSIGNED NOT NULL,
  delivered_seq BIGINT UNSIGNED NOT NULL DEFAULT 0,
  read_seq BIGINT UNSIGNED NOT NULL DEFAULT 0,
  unread_count INT UNSIGNED NOT NULL DEFAULT 0,
  last_message_at DATETIME(3) NULL,
  PRIMARY KEY (conversation_id, user_id),
  KEY memberships_user (user_id, last_message_at),
  KEY memberships_unread (user_id, unread_count)
) ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci;

CREATE TABLE IF NOT EXISTS messages (
  conversation_id BIGINT UNSIGNED NOT NULL,
  seq BIGINT UNSIGNED NOT NULL,
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
  sender_id BIGINT UNSIGNED NOT NULL,
  client_id BINARY(16) NOT NULL,
  text_hash BINARY(32) NOT NULL,
  message VARCHAR(4000) NOT NULL,
  created_at DATETIME(3) NOT NULL,
  rev BIGINT UNSIGNED NOT NULL,
  edited_at DATETIME(3) NULL,
  deleted_at DATETIME(3) NULL,
  PRIMARY KEY (conversation_id, seq),
  UNIQUE KEY messages_id (id),
  UNIQUE KEY messages_client_id (conversation_id, sender_id, client_id),
  KEY messages_rev (conversation_id, rev)
) ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci;
