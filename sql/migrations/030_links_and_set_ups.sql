-- A link for a new password is good for the account as it was when the link was made: whatever raises auth_version (a
-- new password, ended sessions, a disabled account) ends it too. Links of before this end now.

SET @missing = (SELECT COUNT(*) = 0 FROM information_schema.columns
  WHERE table_schema = DATABASE() AND table_name = 'password_resets' AND column_name = 'auth_version');
SET @change = IF(@missing,
  'ALTER TABLE password_resets ADD COLUMN auth_version INT UNSIGNED NOT NULL DEFAULT 0',
  'DO 0');
PREPARE change_resets FROM @change;
EXECUTE change_resets;
DEALLOCATE PREPARE change_resets;

-- A set-up of two-step login that was begun and not confirmed ends. One of before this has ended.
SET @missing = (SELECT COUNT(*) = 0 FROM information_schema.columns
  WHERE table_schema = DATABASE() AND table_name = 'two_step' AND column_name = 'begun_at');
SET @change = IF(@missing, 'ALTER TABLE two_step ADD COLUMN begun_at DATETIME(3) NULL', 'DO 0');
PREPARE change_two_step FROM @change;
EXECUTE change_two_step;
DEALLOCATE PREPARE change_two_step;

-- Whose invitation it was goes with the account.
SET @missing = (SELECT COUNT(*) = 0 FROM information_schema.statistics
  WHERE table_schema = DATABASE() AND table_name = 'invitations' AND index_name = 'invitations_used_by');
SET @change = IF(@missing, 'ALTER TABLE invitations ADD KEY invitations_used_by (used_by)', 'DO 0');
PREPARE change_invitations FROM @change;
EXECUTE change_invitations;
DEALLOCATE PREPARE change_invitations;

DELETE invitations FROM invitations JOIN users ON users.id = invitations.used_by WHERE users.username_key IS NULL;
DELETE password_resets FROM password_resets JOIN users ON users.id = password_resets.user_id
WHERE users.username_key IS NULL;
