-- What a message writes, made lighter. ended_at: one of the two has deleted their account; nothing is sent there any more.
-- has_unread: all that the index of unread conversations has to know, so that it stays as it is while one message more
-- comes to those that wait.

SET @missing = (SELECT COUNT(*) = 0 FROM information_schema.columns
  WHERE table_schema = DATABASE() AND table_name = 'conversations' AND column_name = 'ended_at');
SET @change = IF(@missing, 'ALTER TABLE conversations ADD COLUMN ended_at DATETIME(3) NULL', 'DO 0');
PREPARE change_conversations FROM @change;
EXECUTE change_conversations;
DEALLOCATE PREPARE change_conversations;

UPDATE conversations
  JOIN memberships ON memberships.conversation_id = conversations.id
  JOIN users ON users.id = memberships.user_id AND users.username_key IS NULL
SET conversations.ended_at = UTC_TIMESTAMP(3)
WHERE conversations.kind = 'direct' AND conversations.ended_at IS NULL;

SET @missing = (SELECT COUNT(*) = 0 FROM information_schema.columns
  WHERE table_schema = DATABASE() AND table_name = 'memberships' AND column_name = 'has_unread');
SET @change = IF(@missing,
  'ALTER TABLE memberships
     ADD COLUMN has_unread TINYINT UNSIGNED AS (unread_count > 0) STORED,
     DROP KEY memberships_unread,
     ADD KEY memberships_unread (user_id, has_unread)',
  'DO 0');
PREPARE change_memberships FROM @change;
EXECUTE change_memberships;
DEALLOCATE PREPARE change_memberships;
