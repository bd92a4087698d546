import assert from "node:assert/strict";
import { test } from "node:test";
import { startCauserie } from "../support/causerie.ts";
import { fieldValue, postForm, textOf } from "../support/forms.ts";
import { logIn, newName, type Person, request, signUp } from "../support/person.ts";

const causerie = await startCauserie();

const preferences = async (person: Person) => {
  const rows = await causerie.rows<{ locale: string; theme: string; time_zone: string }>(
    "SELECT locale, theme, time_zone FROM users WHERE id = ?",
    [person.id],
  );
  return rows[0];
};
/** The same browser with one more cookie of an answer. */
const cookiesAfter = (person: Person, response: Response) =>
  [person.cookie, ...response.headers.getSetCookie().map((cookie) => cookie.split(";")[0])].join("; ");

test("Toggle Dark Mode is on every page and draws the next one dark, for strangers as well", async () => {
  for (const path of ["/login", "/register"]) {
    const html = await (await request(causerie, "", path)).text();
    assert.match(html, /<button class="quiet">Toggle Dark Mode<\/button>/);
    assert.equal(fieldValue(html, "theme"), "dark");
    assert.match(html, /<html lang="en" dir="ltr">/);
  }
  const chosen = await postForm(causerie, "/theme", { theme: "dark", next: "/register" });
  assert.equal(chosen.status, 303);
  assert.equal(chosen.headers.get("location"), "/register");
  const [cookie = ""] = chosen.headers.getSetCookie();
  assert.match(cookie, /^theme=dark; Max-Age=31536000; Path=\/; .*SameSite=Lax/);
  const dark = await (await request(causerie, "theme=dark", "/register")).text();
  assert.match(dark, /<html lang="en" dir="ltr" class="dark">/);
  assert.match(dark, /<meta name="color-scheme" content="dark">/);
  assert.equal(fieldValue(dark, "theme"), "light");
});

test("a system that says it is dark is toggled to light first", async () => {
  const headers = { "sec-ch-prefers-color-scheme": "dark" };
  const response = await request(causerie, "", "/login", { headers });
  assert.equal(response.headers.get("accept-ch"), "Sec-CH-Prefers-Color-Scheme");
  assert.equal(fieldValue(await response.text(), "theme"), "light");
});

test("a chosen theme is kept with the account and holds on other devices; others keep theirs", async () => {
  const [person, outsider] = [await signUp(causerie), await signUp(causerie)];
  assert.equal((await person.post("/theme", { theme: "dark" })).status, 303);
  assert.equal((await preferences(person))?.theme, "dark");
  const phone = await logIn(causerie, person);
  for (const path of ["/", "/settings", `/chat/${outsider.id}`]) {
    assert.match(await (await phone.get(path)).text(), /<html [^>]*class="dark">/, path);
  }
  assert.equal((await preferences(outsider))?.theme, null);
  assert.doesNotMatch(await (await outsider.get("/")).text(), /<html [^>]*class="dark">/);
});

test("going back to the system's theme is kept as well", async () => {
  const person = await signUp(causerie);
  await person.post("/theme", { theme: "light" });
  assert.match(await (await person.get("/")).text(), /<html [^>]*class="light">/);
  const response = await person.post("/theme", { theme: "", next: "/settings" });
  assert.equal(response.headers.get("location"), "/settings");
  assert.equal((await preferences(person))?.theme, null);
  const html = await (await request(causerie, cookiesAfter(person, response), "/settings")).text();
  assert.match(html, /<html lang="en" dir="ltr">/);
  assert.match(html, /name="theme" value="" checked>/);
});

test("the pages are in the browser's language where there is a catalogue, else in English", async () => {
  const languages: [string, string][] = [
    ["fr", "fr"],
    ["fr-CA,fr;q=0.9,en;q=0.8", "fr"],
    ["de-DE, fr;q=0.5, en;q=0.2", "fr"],
    ["en;q=0.3, FR;q=0.9", "fr"],
    ["en-GB,en;q=0.9,fr;q=0.8", "en"],
    ["de", "en"],
    ["fr;q=0, en", "en"],
    ["*", "en"],
    ["", "en"],
    ["__proto__, constructor", "en"],
    [`${"x-".repeat(500)}y`, "en"],
  ];
  for (const [accepted, expected] of languages) {
    const response = await request(causerie, "", "/login", { headers: { "accept-language": accepted } });
    const html = await response.text();
    assert.match(html, new RegExp(`<html lang="${expected}"`), accepted);
    assert.match(html, expected === "fr" ? />Se connecter<\/button>/ : />Login<\/button>/, accepted);
  }
});

test("a stranger's choice of language is remembered by the browser against its own language", async () => {
  const chosen = await postForm(causerie, "/locale", { locale: "fr", next: "/login" });
  assert.equal(chosen.status, 303);
  assert.equal(chosen.headers.get("location"), "/login");
  assert.match(
    chosen.headers.getSetCookie()[0] ?? "",
    /^locale=fr; Max-Age=31536000; Path=\/; .*SameSite=Lax/,
  );
  const headers = { "accept-language": "en" };
  const html = await (await request(causerie, "locale=fr", "/login", { headers })).text();
  assert.match(html, /<html lang="fr"/);
  assert.match(html, /<button[^>]*value="fr"[^>]*aria-current="true">Français<\/button>/);
});

test("an account's language holds on every device, in French words, refusals included", async () => {
  const person = await signUp(causerie);
  assert.equal((await preferences(person))?.locale, "en");
  await person.post("/locale", { locale: "fr" });
  assert.equal((await preferences(person))?.locale, "fr");
  const phone = await logIn(causerie, person);
  const other = await signUp(causerie);
  const home = await (await phone.get("/")).text();
  assert.match(home, /<html lang="fr"/);
  assert.match(home, new RegExp(`Bienvenue, ${person.name} ! Choisissez à qui parler\\.`));
  assert.match(home, /<h1>Utilisateurs<\/h1>/);
  assert.match(home, /placeholder="Chercher quelqu’un"/);
  assert.match(home, />Mode sombre<\/button>/);
  assert.match(home, />Déconnexion<\/button>/);
  const chat = await (await phone.get(`/chat/${other.id}`)).text();
  assert.match(chat, new RegExp(`Discussion avec : ${other.name}`));
  assert.match(await (await phone.get("/nowhere")).text(), /<h1>Il n’y a rien ici<\/h1>/);
  const refused = await phone.post("/time-zone", { timeZone: "Nowhere/At_all" });
  assert.match(await refused.text(), /Aucun fuseau horaire ne porte ce nom/);
});

test("a time zone is kept with the account, under its proper name", async () => {
  const zones: [string, string][] = [
    ["Europe/Paris", "Europe/Paris"],
    ["  europe/paris ", "Europe/Paris"],
    ["UTC", "UTC"],
    ["Etc/UTC", "UTC"],
  ];
  const person = await signUp(causerie);
  for (const [typed, kept] of zones) {
    const response = await person.post("/time-zone", { timeZone: typed, next: "/settings" });
    assert.equal(response.status, 303, typed);
    assert.equal(response.headers.get("location"), "/settings");
    assert.equal((await preferences(person))?.time_zone, kept);
    assert.equal(fieldValue(await (await person.get("/settings")).text(), "timeZone"), kept);
  }
});

test("zones that browsers call by another name than this server are taken", async () => {
  const person = await signUp(causerie);
  for (const zone of ["Asia/Kolkata", "Europe/Kyiv", "America/Nuuk", "US/Eastern"]) {
    assert.equal((await person.post("/time-zone", { timeZone: zone })).status, 303, zone);
    const kept = (await preferences(person))?.time_zone ?? "";
    const now = new Date();
    const shown = (timeZone: string) => now.toLocaleString("en", { timeZone });
    assert.equal(shown(kept), shown(zone), zone);
  }
});

test("a zone that does not exist is refused beside its field, and nothing changes", async () => {
  const person = await signUp(causerie);
  await person.post("/time-zone", { timeZone: "Asia/Tokyo" });
  const typed = ["", "Nowhere/At_all", "+05:30", "<script>x</script>", "Asia/Tokyo\0", "../../etc/passwd"];
  for (const timeZone of typed) {
    const response = await person.post("/time-zone", { timeZone });
    assert.equal(response.status, 400, timeZone);
    const html = await response.text();
    assert.equal(
      textOf(html, "time-zone-note"),
      "There is no time zone of this name. Choose one from the list.",
    );
    if (!timeZone.includes("\0")) assert.equal(fieldValue(html, "timeZone"), timeZone);
    assert.doesNotMatch(html, /<script>x/);
    assert.equal((await preferences(person))?.time_zone, "Asia/Tokyo");
  }
});

test("times are in the account's zone, then in the browser's, else in UTC and say so", async () => {
  const [person, other] = [await signUp(causerie), await signUp(causerie)];
  await person.post(`/chat/${other.id}/messages`, { message: "what time is it?" });
  const [row] = await causerie.rows<{ created_at: Date }>(
    "SELECT created_at FROM messages WHERE sender_id = ?",
    [person.id],
  );
  assert.ok(row);
  const shown = (timeZone: string) =>
    row.created_at.toLocaleTimeString("en", {
      timeZone,
      hour: "2-digit",
      minute: "2-digit",
      hourCycle: "h23",
    });
  const times = async (headers: Record<string, string> = {}) => {
    const html = await (await person.get(`/chat/${other.id}`, headers)).text();
    const [, iso, time] = /<time datetime="([^"]+)">(\d\d:\d\d)<\/time>/.exec(html) ?? [];
    assert.equal(iso, row.created_at.toISOString());
    return { time, saysUtc: html.includes("Times are in UTC.") };
  };
  assert.deepEqual(await times(), { time: shown("UTC"), saysUtc: true });
  const cookie = `${person.cookie}; tz=Asia%2FKathmandu`;
  assert.deepEqual(await times({ cookie }), { time: shown("Asia/Kathmandu"), saysUtc: false });
  assert.deepEqual(await times({ cookie: `${person.cookie}; tz=%E0%A4%A` }), {
    time: shown("UTC"),
    saysUtc: true,
  });
  await person.post("/time-zone", { timeZone: "Pacific/Marquesas" });
  assert.deepEqual(await times({ cookie }), { time: shown("Pacific/Marquesas"), saysUtc: false });
});

test("choices that do not exist are not understood and change nothing", async () => {
  const person = await signUp(causerie);
  const bad: [string, Record<string, string>][] = [
    ["/theme", {}],
    ["/theme", { theme: "DARK" }],
    ["/theme", { theme: 'dark" onload="x' }],
    ["/locale", {}],
    ["/locale", { locale: "xx" }],
    ["/locale", { locale: "__proto__" }],
    ["/locale", { locale: "../../package" }],
    ["/time-zone", {}],
    ["/time-zone", { timeZone: "x".repeat(3000) }],
  ];
  const before = await preferences(person);
  for (const [path, fields] of bad) {
    const response = await person.post(path, fields);
    assert.equal(response.status, 400, `${path} ${JSON.stringify(fields)}`);
    assert.deepEqual(response.headers.getSetCookie(), []);
  }
  assert.deepEqual(await preferences(person), before);
});

test("cookies with choices that do not exist are as if they were not there", async () => {
  for (const cookie of [
    "theme=purple",
    "locale=xx",
    "locale=__proto__",
    "tz=Nowhere",
    "theme",
    "=;=;;=",
    "a=b=c",
  ]) {
    const response = await request(causerie, cookie, "/login");
    assert.equal(response.status, 200, cookie);
    assert.match(await response.text(), /<html lang="en" dir="ltr">/, cookie);
  }
});

test("where one goes back to after a choice never leaves the site", async () => {
  for (const next of ["//elsewhere.example", "/.//elsewhere.example", "https://elsewhere.example", "/\\x"]) {
    for (const [path, fields] of [
      ["/theme", { theme: "dark" }],
      ["/locale", { locale: "fr" }],
    ] as const) {
      const response = await postForm(causerie, path, { ...fields, next });
      assert.equal(response.headers.get("location"), "/", `${path} ${next}`);
    }
  }
});

test("the settings are for whoever is signed in, and are not kept by browsers", async () => {
  const stranger = await request(causerie, "", "/settings");
  assert.equal(stranger.headers.get("location"), "/login?next=%2Fsettings");
  assert.equal((await postForm(causerie, "/time-zone", { timeZone: "UTC" })).status, 401);
  const person = await signUp(causerie, newName());
  const page = await person.get("/settings");
  assert.equal(page.status, 200);
  assert.equal(page.headers.get("cache-control"), "no-store");
});
