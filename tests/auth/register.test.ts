import assert from "node:assert/strict";
import { test } from "node:test";
import { startCauserie } from "../support/causerie.ts";
import { fieldValue, postForm, postRaw, textOf } from "../support/forms.ts";
import { cookiesOf, newName, request, signUp } from "../support/person.ts";

const causerie = await startCauserie();

const PASSWORD = "a password of nine words that nobody else has";
const register = (username: string, password = PASSWORD, more: Record<string, string> = {}) =>
  postForm(causerie, "/register", { username, password, ...more });
const count = async () => (await causerie.rows<{ n: number }>("SELECT COUNT(*) AS n FROM users"))[0]?.n;
const named = (username: string) =>
  causerie.rows<{ username: string; username_key: string; password_hash: string; locale: string }>(
    "SELECT * FROM users WHERE username = ?",
    [username],
  );

test("the page has the words of the contract and asks nobody else for anything", async () => {
  const html = await (await request(causerie, "", "/register")).text();
  assert.match(html, /<label for="username">Username<\/label>/);
  assert.match(html, /<label for="password">Password<\/label>/);
  assert.match(html, /<button class="button">Register<\/button>/);
  assert.match(html, /<a href="\/login">Login<\/a>/);
  assert.match(html, /<input[^>]*name="password"[^>]*autocomplete="new-password"/);
  assert.doesNotMatch(html, /(?:src|href)="(?:https?:)?\/\//);
});

test("registering stores the person, signs in and goes to the list", async () => {
  const name = newName();
  const response = await register(name);
  assert.equal(response.status, 303);
  assert.equal(response.headers.get("location"), "/");
  const [row] = await named(name);
  assert.match(row?.password_hash ?? "", /^\$2b\$04\$.{53}$/);
  const home = await request(causerie, cookiesOf(response), "/");
  assert.equal(home.status, 200);
  assert.match(await home.text(), new RegExp(`Welcome, ${name}! Please choose someone to talk to\\.`));
});

test("whoever is signed in is sent on from both forms", async () => {
  const person = await signUp(causerie);
  for (const path of ["/register", "/login", "/login?next=/settings"]) {
    const response = await person.get(path);
    assert.equal(response.status, 303);
    assert.equal(response.headers.get("location"), path.includes("next") ? "/settings" : "/");
  }
});

test("a name is stored trimmed and in one Unicode form", async () => {
  const name = newName();
  assert.equal((await register(`  ${name}e\u0301 \t`)).status, 303);
  const [row] = await named(`${name}\u00e9`);
  assert.equal(row?.username_key, `${name}e`);
});

const SAME_NAMES: [string, string, string][] = [
  ["case", "Zoé", "ZOÉ"],
  ["accents", "Élodie", "elodie"],
  ["an accent typed in two characters", "Ange\u0301line", "Angéline"],
  ["compatibility forms", "ﬁona", "fiona"],
  ["full width", "ｍａｘｉｍｅ", "Maxime"],
  ["a dotted capital I", "İpek", "ipek"],
  ["a final sigma", "ΟΔΥΣΣΕΥΣ", "οδυσσευσ"],
  ["a character that is a blank and an accent", "carla\u037a", "carla"],
  ["a circled letter's plain form", "Jörg", "jorg"],
];

for (const [what, first, second] of SAME_NAMES) {
  test(`a name is taken whatever its ${what}`, async () => {
    const own = newName("");
    assert.equal((await register(own + first)).status, 303);
    const before = await count();
    const response = await register(own + second);
    assert.equal(response.status, 409);
    const html = await response.text();
    assert.equal(fieldValue(html, "username"), own + second);
    assert.equal(textOf(html, "username-note"), "Somebody already has this name. Please choose another one.");
    assert.deepEqual(response.headers.getSetCookie(), []);
    assert.equal(await count(), before);
  });
}

test("of several who want one name at once exactly one gets it", async () => {
  const name = newName();
  const answers = await Promise.all(["a", "A", "á", "À"].map((end) => register(name + end)));
  assert.deepEqual(answers.map(({ status }) => status).sort(), [303, 409, 409, 409]);
  const rows = await causerie.rows("SELECT id FROM users WHERE username_key = ?", [`${name}a`]);
  assert.equal(rows.length, 1);
  const suffixes = await causerie.rows("SELECT DISTINCT user_id FROM username_suffixes WHERE suffix = ?", [
    `${name.slice(1)}a`,
  ]);
  assert.equal(suffixes.length, 1);
});

const UNFIT_NAMES = {
  empty: "",
  blank: "   ",
  "one character": "x",
  "33 characters": "x".repeat(33),
  "a space inside": "jean paul",
  "a line break inside": "jean\npaul",
  NUL: "jean\0paul",
  "a right-to-left override": "jean\u202epaul",
  "a zero-width joiner": "jean\u200dpaul",
  "an emoji": "jean🌞",
  markup: "<script>alert(1)</script>",
  "template braces": "{{username}}",
  quotes: "x' OR '1'='1",
  "a slash": "a/b",
  "only accents": "\u0301\u0302\u0303",
  "blanks in disguise": "\u037a\u037a",
  "a combining storm": `x${"\u0489".repeat(32)}`,
  "letters that unfold beyond what is stored": "ﷺ".repeat(4),
};

for (const [what, name] of Object.entries(UNFIT_NAMES)) {
  test(`a name is refused beside its field and stays in it: ${what}`, async () => {
    const before = await count();
    const response = await register(name);
    assert.equal(response.status, 400);
    const html = await response.text();
    assert.equal(
      textOf(html, "username-note"),
      "Use 2 to 32 letters or digits; _ . and - are fine too.",
      "the reason stands beside the field",
    );
    assert.match(html, /<input[^>]*name="username"[^>]*aria-invalid="true"/);
    if (!/[\0\n]/.test(name)) assert.equal(fieldValue(html, "username"), name);
    assert.doesNotMatch(html, /<script>alert/);
    assert.ok(!html.includes(PASSWORD), "the password never comes back");
    assert.deepEqual(response.headers.getSetCookie(), []);
    assert.equal(await count(), before);
  });
}

const FIT_NAMES = {
  "two characters": () => newName("").slice(0, 1) + newName("").slice(0, 1),
  "32 characters": () => newName().padEnd(32, "x"),
  "32 letters beyond the basic plane": () => "𝔘".repeat(32),
  "digits and signs": () => `${newName("")}_.-9`,
  "Devanagari with its marks": () => `नमस्ते${newName("")}`,
  "Arabic digits": () => `محمد٣${newName("")}`,
  Chinese: () => `王秀英${newName("")}`,
  "a word that objects own": () => "__proto__",
  "a word of JavaScript": () => "constructor",
};

for (const [what, make] of Object.entries(FIT_NAMES)) {
  test(`a name may be: ${what}`, async () => {
    const name = make();
    const response = await register(name);
    assert.equal(response.status, 303, await response.text());
    assert.equal((await named(name.normalize("NFC"))).length, 1);
    const home = await (await request(causerie, cookiesOf(response), "/")).text();
    assert.ok(home.includes(`Welcome, ${name.normalize("NFC")}<`));
  });
}

const UNFIT_PASSWORDS: [string, string, string][] = [
  ["empty", "", "Use at least 8 characters."],
  ["seven characters", "1234567", "Use at least 8 characters."],
  ["seven emoji, which are fourteen UTF-16 units", "🌞".repeat(7), "Use at least 8 characters."],
  ["1,025 bytes", "x".repeat(1025), "This is too long. Please choose a shorter one."],
  ["342 characters of three bytes", "€".repeat(342), "This is too long. Please choose a shorter one."],
  ["thousands of characters", "x".repeat(6000), "This is too long. Please choose a shorter one."],
];

for (const [what, password, reason] of UNFIT_PASSWORDS) {
  test(`a password is refused beside its field, the name stays: ${what}`, async () => {
    const name = newName();
    const response = await register(name, password);
    assert.equal(response.status, 400);
    const html = await response.text();
    assert.equal(textOf(html, "password-note"), reason);
    assert.equal(fieldValue(html, "username"), name);
    assert.equal(fieldValue(html, "password"), "");
    assert.ok(password === "" || !html.includes(password));
    assert.deepEqual(await named(name), []);
  });
}

const GUESSED = {
  "the first that is tried": "password1",
  "a leaked one": "iloveyou1",
  "a leaked one with signs for letters": "P@ssw0rd!",
  "a leaked one backwards": "drowssap1",
  "a row of keys": "qwertyuiop",
  "a French row of keys": "azertyuiop",
  digits: "1234567890",
  "one character again and again": "zzzzzzzzzzzz",
  "one word again and again": "bonjourbonjour",
  "one emoji again and again": "🌞".repeat(12),
  "a date": "01/02/1990",
  "a leaked one, 500 times": "letmein".repeat(100),
};

for (const [what, password] of Object.entries(GUESSED)) {
  test(`a password that is guessed soon is refused with the reason: ${what}`, async () => {
    const name = newName();
    const response = await register(name, password);
    assert.equal(response.status, 400);
    const html = await response.text();
    const reason = "This one is guessed soon. Choose one that is longer or less common.";
    assert.equal(textOf(html, "password-note"), reason);
    assert.ok(!html.includes(password), "it does not come back");
    assert.deepEqual(await named(name), []);
  });
}

test("the own name is no password", async () => {
  const name = newName();
  for (const password of [name, name.toUpperCase(), `${name}${name}`, `${name}2026`, `causerie${name}`]) {
    assert.equal((await register(name, password)).status, 400, password);
  }
});

test("no signs or digits are asked for, and blanks count as characters", async () => {
  for (const password of [
    "lemon cake at noon",
    "xkqjzvbw",
    "  a b c d  ",
    "été à la mer",
    "пирог с лимоном",
  ]) {
    assert.equal((await register(newName(), password)).status, 303, password);
  }
});

test("a password of lone surrogates is refused beside its field", async () => {
  const name = newName();
  const body = `{"username":"${name}","password":"\\ud800\\ud800\\ud800\\ud800\\ud800\\ud800\\ud800\\ud800"}`;
  const response = await postRaw(causerie, "/register", "application/json", body);
  assert.equal(response.status, 400);
  const html = await response.text();
  assert.equal(textOf(html, "password-note"), "This contains characters that cannot be used.");
  assert.deepEqual(await named(name), []);
});

test("a password may be of any characters up to 1,024 bytes, and every byte counts", async () => {
  const long = "every byte of this counts, ".repeat(40).slice(0, 1024);
  const passwords = [
    "🌞🌊🍉🚲🎻🦊🌵📚",
    long,
    "nul\0in the middle",
    "  blanks at both ends  ",
    "<script>{{x}}' --",
    `${"seventy-two bytes ".repeat(4)}a`,
  ];
  const wrong = [
    "🌞🌊🍉🚲🎻🦊🌵📙",
    `${long.slice(1)}y`,
    "nul\0in the muddle",
    "blanks at both ends",
    "<script>{{x}}'",
    `${"seventy-two bytes ".repeat(4)}b`,
  ];
  for (const [index, password] of passwords.entries()) {
    const name = newName();
    assert.equal((await register(name, password)).status, 303, password);
    const right = await postForm(causerie, "/login", { username: name, password });
    assert.equal(right.status, 303, password);
    const other = await postForm(causerie, "/login", { username: name, password: wrong[index] ?? "" });
    assert.equal(other.status, 401, password);
  }
});

test("whoever registers from a page in French is remembered as French", async () => {
  const name = newName();
  const headers = { "accept-language": "fr-CH, en;q=0.5" };
  const response = await postForm(causerie, "/register", { username: name, password: PASSWORD }, { headers });
  assert.equal(response.status, 303);
  assert.equal((await named(name))[0]?.locale, "fr");
});

test("data instead of a page is told the code of a refusal", async () => {
  const headers = { accept: "application/json" };
  const body = JSON.stringify({ username: "x", password: PASSWORD });
  const response = await postRaw(causerie, "/register", "application/json", body, { headers });
  assert.equal(response.status, 400);
  const { error }: { error: { code: string; message: string } } = JSON.parse(await response.text());
  assert.deepEqual(error, {
    code: "invalid",
    message: "Use 2 to 32 letters or digits; _ . and - are fine too.",
  });
});
