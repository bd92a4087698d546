-- Two-step login. A row without confirmed_at is a set-up that was begun. last_step: the half minute (since 1970) of the
-- last code that was taken, so that each works once.

CREATE TABLE IF NOT EXISTS two_step (
  user_id BIGINT UNSIGNED NOT NULL PRIMARY KEY,
  secret VARBINARY(128) NOT NULL,
  last_step BIGINT UNSIGNED NOT NULL DEFAULT 0,
  confirmed_at DATETIME(3) NULL
) ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci;

-- Codes for when the phone is lost, as keyed digests; one that was used is gone.
CREATE TABLE IF NOT EXISTS recovery_codes (
  user_id BIGINT UNSIGNED NOT NULL,
  code_hash BINARY(32) NOT NULL,
  PRIMARY KEY (user_id, code_hash)
) ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci;
