-- Whether something is unread, apart from how much: the index moves with the first and the last, not with each message.

SET @missing = (SELECT COUNT(*) = 0 FROM information_schema.columns
  WHERE table_schema = DATABASE() AND table_name = 'memberships' AND column_name = 'has_unread');
SET @change = IF(@missing,
  'ALTER TABLE memberships
     ADD COLUMN has_unread TINYINT UNSIGNED GENERATED ALWAYS AS (unread_count > 0) STORED,
     DROP KEY memberships_unread,
     ADD KEY memberships_unread (user_id, has_unread)',
  'DO 0');
PREPARE change_memberships FROM @change;
EXECUTE change_memberships;
DEALLOCATE PREPARE change_memberships;
