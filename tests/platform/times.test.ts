import assert from "node:assert/strict";
import { test } from "node:test";
import { localOf } from "../../src/platform/times.ts";

/** Zones with odd offsets, with clocks that go by half an hour, and with a day that never was. */
const ZONES = [
  ...["UTC", "Europe/Paris", "America/St_Johns", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Apia"],
];
const STEP_MS = 47 * 3_600_000 + 13 * 60_000 + 7001;

test("dates and times are those that the runtime itself shows, in every zone and at every change of clocks", () => {
  for (const timeZone of ZONES) {
    const shown = new Intl.DateTimeFormat("en", {
      ...{ timeZone, hourCycle: "h23", year: "numeric", month: "2-digit", day: "2-digit" },
      ...{ hour: "2-digit", minute: "2-digit" },
    });
    for (let at = Date.UTC(1990, 0); at < Date.UTC(2030, 0); at += STEP_MS) {
      const date = new Date(at);
      const { year, month, day, hour, minute } = Object.fromEntries(
        shown.formatToParts(date).map(({ type, value }) => [type, value]),
      );
      const expected = { date: `${year}-${month}-${day}`, time: `${hour}:${minute}` };
      assert.deepEqual(
        localOf(date, { locale: "en", timeZone }),
        expected,
        `${timeZone} at ${date.toISOString()}`,
      );
    }
  }
});
