import { startComposer } from "./behaviors/composer.ts";
import { startHistory } from "./behaviors/history.ts";
import { startPeople } from "./behaviors/people.ts";
import { startPresence } from "./behaviors/presence.ts";
import { startReceipts } from "./behaviors/receipts.ts";
import { startScrolling } from "./behaviors/scrolling.ts";
import { startTheme } from "./behaviors/theme.ts";
import { startTyping } from "./behaviors/typing.ts";
import { startOutbox } from "./outbox.ts";
import { viewerId } from "./page.ts";
import { connect } from "./realtime.ts";
import { startTimeline } from "./timeline.ts";
import { rememberZone } from "./times.ts";

/** Makes a page live; without this every job of it is still a link or a form. */

startTheme();
rememberZone();
if (viewerId) {
  startTimeline();
  startScrolling();
  startHistory();
  startPresence();
  startPeople();
  startReceipts();
  startTyping();
  startComposer();
  startOutbox();
  connect();
}
