import { defineScript } from "../platform/redis.ts";

/**
 * The Lua scripts behind presence, each atomic. KEYS[1] is a sorted set of user ids by the time (ms, Redis's
 * clock) at which the user's last lease runs out; ARGV[1] is the prefix of one sorted set a user, of lease names
 * by the time each runs out. Every answer is the time and then user id, 1 (online) or 0 (offline), and so on.
 */

const CLOCK = `
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local answer = {tostring(now)}
local function tell(user, online)
  answer[#answer + 1] = user
  answer[#answer + 1] = online
end
local function isOnline(user)
  local due = redis.call('ZSCORE', KEYS[1], user)
  return due and tonumber(due) > now
end
`;

/** After leases ended: online until the last of the others runs out, or offline now. */
const SETTLE = `
local function settle(user, key, wasOnline)
  local last = redis.call('ZRANGE', key, -1, -1, 'WITHSCORES')
  if last[2] and tonumber(last[2]) > now then
    redis.call('ZADD', KEYS[1], last[2], user)
  elseif wasOnline then
    redis.call('ZREM', KEYS[1], user)
    redis.call('DEL', key)
    tell(user, 0)
  end
end
`;

export const leaseScripts = {
  /** ARGV: prefix, duration in ms, then user id and lease by turns. Tells those who were offline. */
  renew: defineScript(`${CLOCK}
for i = 3, #ARGV, 2 do
  local user, key = ARGV[i], ARGV[1] .. ARGV[i]
  if not isOnline(user) then
    redis.call('DEL', key)
    tell(user, 1)
  end
  redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
  redis.call('ZADD', key, 'GT', now + ARGV[2], ARGV[i + 1])
  local last = redis.call('ZRANGE', key, -1, -1, 'WITHSCORES')
  redis.call('ZADD', KEYS[1], last[2], user)
  redis.call('PEXPIREAT', key, last[2])
end
return answer`),

  /** ARGV: prefix, then user id and lease by turns. Tells those whose last lease this was. */
  drop: defineScript(`${CLOCK}${SETTLE}
for i = 2, #ARGV, 2 do
  local user, key = ARGV[i], ARGV[1] .. ARGV[i]
  local wasOnline = isOnline(user)
  if redis.call('ZREM', key, ARGV[i + 1]) == 1 then settle(user, key, wasOnline) end
end
return answer`),

  /** ARGV: prefix, user ids. Ends every lease but those of nodes; tells those who have none left. */
  dropPages: defineScript(`${CLOCK}${SETTLE}
for i = 2, #ARGV do
  local user, key = ARGV[i], ARGV[1] .. ARGV[i]
  local wasOnline = isOnline(user)
  for _, lease in ipairs(redis.call('ZRANGE', key, 0, -1)) do
    if string.sub(lease, 1, 5) ~= 'node:' then redis.call('ZREM', key, lease) end
  end
  settle(user, key, wasOnline)
end
return answer`),

  /** ARGV: prefix, how many at most. Tells those whose leases have all run out, once. */
  sweep: defineScript(`${CLOCK}
for _, user in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, ARGV[2])) do
  redis.call('ZREM', KEYS[1], user)
  redis.call('DEL', ARGV[1] .. user)
  tell(user, 0)
end
return answer`),

  /** ARGV: prefix, user ids. Tells each of them. */
  online: defineScript(`${CLOCK}
for i = 2, #ARGV do tell(ARGV[i], isOnline(ARGV[i]) and 1 or 0) end
return answer`),
};
