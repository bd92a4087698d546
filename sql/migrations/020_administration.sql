-- The administrator, disabled accounts, invitations, and one-time links for a new password.
-- `administrator` is 1 or NULL, and unique: so there is one at most, however many register first at once.

SET @missing = (SELECT COUNT(*) = 0 FROM information_schema.columns
  WHERE table_schema = DATABASE() AND table_name = 'users' AND column_name = 'administrator');
SET @change = IF(@missing,
  'ALTER TABLE users
     ADD COLUMN administrator TINYINT UNSIGNED NULL,
     ADD COLUMN disabled_at DATETIME(3) NULL,
     ADD UNIQUE KEY users_administrator (administrator)',
  'DO 0');
PREPARE change_users FROM @change;
EXECUTE change_users;
DEALLOCATE PREPARE change_users;

-- Of a chat that has people already, the first account is the administrator's.
UPDATE users
  JOIN (SELECT MIN(id) AS id FROM users WHERE username_key IS NOT NULL) oldest ON oldest.id = users.id
  CROSS JOIN (SELECT COUNT(*) AS n FROM users WHERE administrator = 1) held
SET users.administrator = 1
WHERE held.n = 0;

-- Only digests of the links are kept: whoever reads the table cannot use them.
CREATE TABLE IF NOT EXISTS invitations (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  token_hash BINARY(32) NOT NULL,
  note VARCHAR(64) NOT NULL,
  made_by BIGINT UNSIGNED NOT NULL,
  created_at DATETIME(3) NOT NULL,
  expires_at DATETIME(3) NOT NULL,
  used_by BIGINT UNSIGNED NULL,
  UNIQUE KEY invitations_token_hash (token_hash)
) ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci;

-- One a person: a new link takes the place of the one before.
CREATE TABLE IF NOT EXISTS password_resets (
  user_id BIGINT UNSIGNED NOT NULL PRIMARY KEY,
  token_hash BINARY(32) NOT NULL,
  expires_at DATETIME(3) NOT NULL,
  UNIQUE KEY password_resets_token_hash (token_hash)
) ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci;
