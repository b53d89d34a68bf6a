// Keeps a page live: times as one reads them, fragments put where their id says, forms sent without leaving.
"use strict";

const $ = (id) => document.getElementById(id);
const log = $("log");
let unseen = []; // ids of what came and was not on the screen yet

// ------------------------------------------------------------------------------------------------------------ times

function age(at) {
  const seconds = (Date.now() - at) / 1000;
  const past = Math.abs(seconds);
  // What is over counts whole units, what is to come the nearest: two hours that have just begun are no "1 h".
  const count = (size) => Math.floor(past / size + (seconds < 0 ? 0.5 : 0));
  const text = past >= 172800 ? `${count(86400)} d` : past >= 3600 ? `${count(3600)} h` : past >= 60 ? `${count(60)} min` : "";
  return !text ? "now" : seconds > 0 ? `${text} ago` : `in ${text}`;
}

// What the hub says ("until 13:04 GMT") is by its own clock. Where the reader's is another, its times say so, too.
function abroad() {
  try {
    const zone = $("main").dataset.zone, now = new Date();
    return Boolean(zone) && now.toLocaleTimeString("en", { timeZone: zone }) !== now.toLocaleTimeString("en");
  } catch {
    return true; // a zone that this browser does not know
  }
}
const ZONED = abroad() ? { timeZoneName: "short" } : {};

function clock(at) {
  const today = at.toDateString() === new Date().toDateString();
  const hour = { hour: "2-digit", minute: "2-digit", ...ZONED };
  return at.toLocaleString([], today ? hour : { ...hour, day: "numeric", month: "short" });
}

function tellTimes(root) {
  for (const time of root.querySelectorAll("time")) {
    const at = new Date(time.dateTime);
    const text = `${clock(at)} · ${age(at)}`;
    if (time.textContent !== text) time.textContent = text;
  }
}

// ------------------------------------------------------------------------------------------------------- where one is

const nearEnd = () => window.innerHeight + window.scrollY > document.documentElement.scrollHeight - 160;
const toEnd = () => window.scrollTo(0, document.documentElement.scrollHeight);

const isMessage = (one) => one.classList.contains("thread");
const newest = () => unseen.map((id) => $(`m-${id}`)).filter(Boolean);

function inView(one) {
  const { top, bottom } = one.getBoundingClientRect();
  return bottom > document.querySelector(".top").offsetHeight && top < document.querySelector(".composer").getBoundingClientRect().top;
}

// At the end all messages count as seen. What came in a thread further up does not.
function seen() {
  if (!unseen.length) return;
  const missed = newest().filter((one) => !inView(one) && !(isMessage(one) && nearEnd()));
  unseen = missed.map((one) => one.id.slice(2));
  const hint = $("new");
  const below = missed.some(isMessage) || (missed.length && missed[0].getBoundingClientRect().top > 0);
  hint.hidden = !missed.length;
  hint.textContent = `${below ? "↓" : "↑"} ${missed.length} new`;
}

function toNew() {
  const missed = newest();
  if (missed.some(isMessage)) toEnd();
  else if (missed.length) missed[0].scrollIntoView({ block: "center" });
  seen();
}

const cards = (state) => [...log.querySelectorAll(`.thread > .card[data-state="${state}"]`)];

// What somebody has, or is silent, is calm and not over.
function tellOpen() {
  const count = cards("open").length;
  const rest = ["acked", "silenced"].map((state) => [cards(state).length, state]).filter(([many]) => many);
  const calm = rest.length ? `✓ calm, ${rest.map(([many, state]) => `${many} ${state}`).join(", ")}` : "✓ all calm";
  const chip = $("open");
  chip.hidden = false;
  chip.classList.toggle("calm", count === 0);
  chip.disabled = !count && !rest.length;
  chip.textContent = count ? `${count} open` : calm;
  document.title = `${count ? `(${count}) ` : ""}#${log.dataset.room} · Tocsin`;
}

let turn = 0;
function nextOpen() {
  const open = cards("open").length ? cards("open") : [...cards("acked"), ...cards("silenced")];
  const card = open.reverse()[turn++ % open.length];
  if (card) card.scrollIntoView({ block: "center" });
}

// What comes, or changes, moves the rest. A thumb on its way means the button that stood there when it set out.
const MOMENT = 500;
let stood = { at: 0, buttons: [] };
let thumb = { at: 0 };
let last = { is: "", at: 0 }; // the second touch of a double one is none

const meaning = (button) => button.value.replace(/:[0-9]+:/, ":"); // not which version of the message
const pressing = () => [...document.querySelectorAll("[data-press] button")];

function moving() {
  if (Date.now() - stood.at < MOMENT) return;
  stood = { at: Date.now(), buttons: pressing().map((button) => [button.getBoundingClientRect(), meaning(button)]) };
}

// The button that the thumb set out for, where something moved meanwhile.
function meant() {
  const now = Date.now();
  if (now - stood.at > MOMENT || now - thumb.at > MOMENT) return null;
  const { x, y } = thumb;
  const there = stood.buttons.find(([at]) => at.left <= x && x <= at.right && at.top <= y && y <= at.bottom);
  return there ? there[1] : null;
}

// ---------------------------------------------------------------------------------------------------------- messages

function fragment(html) {
  const template = document.createElement("template");
  template.innerHTML = html; // escaped by the server; the content policy runs no script in it
  return template.content.firstElementChild;
}

// An edit keeps what one has unfolded.
function replaceHead(there, fresh) {
  const before = there.querySelector(":scope > .head");
  const after = fresh.querySelector(":scope > .head");
  const folds = [...before.querySelectorAll("details")];
  const held = before.contains(document.activeElement) ? document.activeElement.value : null;
  [...after.querySelectorAll("details")].forEach((fold, n) => { fold.open = Boolean(folds[n] && folds[n].open); });
  before.replaceWith(after);
  if (held !== null) {
    const verb = held.split(":").pop();
    const again = [...after.querySelectorAll("button")].find((button) => button.value.endsWith(`:${verb}`));
    (again || after.querySelector("button") || $("main")).focus({ preventScroll: true });
  }
}

// Read aloud by screen readers: what comes, not what changes. In a storm the first of it, and how much there is.
const aloud = [];
function speak(words) {
  if (!words) return;
  if (aloud.push(words) > 1) return;
  setTimeout(() => {
    const [first, ...more] = aloud.splice(0);
    $("spoken").textContent = more.length > 2 ? `${first}, and ${more.length} more` : [first, ...more].join(". ");
  }, 1000);
}

// Of what is new: aloud, and counted until it was seen.
function tell(one) {
  if (!one.dataset.spoken) return;
  speak(one.dataset.spoken);
  unseen.push(one.id.slice(2));
}

function put({ id, thread, html }) {
  const fresh = fragment(html);
  const there = $(`m-${id}`);
  const follow = nearEnd();
  moving();
  if (there) {
    replaceHead(there, fresh);
  } else {
    const home = thread && $(`m-${thread}`);
    const empty = log.querySelector(":scope > .empty");
    if (empty) empty.remove();
    (home ? home.querySelector(".latest") : log).append(fresh);
    fresh.classList.add("fresh");
    tell(fresh);
  }
  tellTimes($(`m-${id}`));
  tellOpen();
  if (follow) toEnd();
  seen();
}

// --------------------------------------------------------------------------------------------------------- the stream

let loading = false;
let waiting = [];

function receive(message) {
  if (loading) waiting.push(message);
  else put(message);
}

const folds = () => new Map([...log.querySelectorAll(".thread")].map((thread) => [thread.id, [...thread.querySelectorAll("details")].map((d) => d.open)]));
const told = () => [...log.querySelectorAll("[data-spoken]")];
const drafts = () => new Map([...log.querySelectorAll(".answer")].map((d) => [d.closest(".thread").id, d.querySelector("[name=text]").value]));

function keep(opened, written) {
  for (const [id, states] of opened) {
    const details = $(id) ? [...$(id).querySelectorAll("details")] : [];
    if (details.length === states.length) details.forEach((d, n) => { d.open = states[n]; });
  }
  for (const [id, text] of written) {
    const field = $(id) && $(id).querySelector(".answer [name=text]");
    if (field) { field.value = text; if (text) field.closest("details").open = true; }
  }
}

// The whole room again, after something may have been missed. What arrives meanwhile waits, so that old follows new never.
async function reload() {
  if (loading) return;
  loading = true;
  try {
    const answer = await fetch(location.pathname + location.search, { headers: { Accept: "text/html" } });
    if (answer.redirected) { location.reload(); return; }
    if (!answer.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById("log");
    const follow = nearEnd(), opened = folds(), written = drafts();
    const known = new Set(told().map((one) => one.id));
    moving();
    log.replaceChildren(...fresh.childNodes);
    log.dataset.version = fresh.dataset.version;
    keep(opened, written);
    told().filter((one) => !known.has(one.id)).forEach(tell);
    tellTimes(log);
    tellOpen();
    if (follow) toEnd();
    seen();
  } catch {
    lost(true);
  } finally {
    loading = false;
    waiting.splice(0).forEach(put);
  }
}

function lost(is, text = "The hub does not answer. Trying again …") {
  $("lost").hidden = !is;
  $("lost").textContent = is ? text : "";
}

// A connection may die without a word: a telephone slept, or changed its network. The hub beats every 15 seconds.
const SILENT = 40000;
let stream;
let heard = 0;

function connect() {
  const here = new EventSource(log.dataset.live);
  stream = here;
  heard = Date.now();
  stream.onopen = () => { heard = Date.now(); lost(false); };
  stream.addEventListener("beat", () => { heard = Date.now(); });
  stream.addEventListener("version", (event) => { if (event.data !== log.dataset.version) reload(); });
  stream.addEventListener("message", (event) => { heard = Date.now(); log.dataset.version = ""; receive(JSON.parse(event.data)); });
  stream.addEventListener("reload", () => { log.dataset.version = ""; });
  stream.onerror = () => {
    lost(true);
    if (here.readyState !== EventSource.CLOSED) return;
    // Refused, not lost: perhaps the login is over, perhaps a proxy stands before a hub that starts.
    setTimeout(async () => { if (stream === here) { await reload(); again(here); } }, 5000);
  };
}

function again(instead) {
  if (stream !== instead) return;
  stream.close();
  connect();
}

function watch(longest) {
  if (Date.now() - heard < longest) return;
  lost(true);
  again(stream);
}

// ----------------------------------------------------------------------------------------------------- the first page

// A list of what is open that was read an hour ago must not look like one of now.
const AGAIN = 30000;
let asOf = new Date();

async function refresh() {
  if (document.hidden || getSelection().toString()) return;
  const main = $("main");
  try {
    const limit = AbortSignal.timeout ? AbortSignal.timeout(20000) : undefined;
    const answer = await fetch(location.href, { headers: { Accept: "text/html" }, signal: limit });
    if (answer.redirected) { location.reload(); return; }
    if (!answer.ok) throw new Error(answer.status);
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("main");
    const links = () => [...main.querySelectorAll("a")];
    const same = (one) => one && links().find((link) => link.getAttribute("href") === one.getAttribute("href"));
    const focused = links().find((link) => link === document.activeElement);
    // What one is about to touch stays under the thumb, whatever is new above it.
    const held = window.scrollY ? links().find((link) => link.getBoundingClientRect().top > 0) : null;
    const before = held && held.getBoundingClientRect().top;
    const open = [...main.querySelectorAll("details")].map((fold) => fold.open);
    fresh.querySelectorAll("details").forEach((fold, n) => { fold.open = Boolean(open[n]); });
    main.replaceChildren(...fresh.childNodes);
    tellTimes(main);
    if (same(focused)) same(focused).focus({ preventScroll: true });
    if (same(held)) window.scrollBy(0, same(held).getBoundingClientRect().top - before);
    asOf = new Date();
  } catch {
    lost(true, `The hub does not answer. This is as of ${clock(asOf)}.`);
  }
}

// ------------------------------------------------------------------------------------------------------------- forms

let fading;
function toast(text, ok) {
  const box = $("toast");
  box.hidden = false;
  box.classList.toggle("bad", !ok);
  box.querySelector("pre").textContent = text;
  clearTimeout(fading);
  if (ok && text.length < 200) fading = setTimeout(() => { box.hidden = true; }, 8000);
}

async function send(form, fields) {
  const body = JSON.stringify(Object.fromEntries(fields));
  const headers = { "Content-Type": "application/json", Accept: "application/json" };
  const limit = AbortSignal.timeout ? AbortSignal.timeout(20000) : undefined;
  const answer = await fetch(form.action, { method: "POST", headers, body, signal: limit });
  const said = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(said.detail || `The hub answered ${answer.status}.`);
  return said;
}

const quiet = (form, is) => { for (const button of form.querySelectorAll("button")) button.disabled = is; };

async function submitted(event) {
  const form = event.target;
  if (!("say" in form.dataset || "press" in form.dataset)) return;
  event.preventDefault();
  const pressed = event.submitter ? meaning(event.submitter) : "";
  const aim = ("press" in form.dataset && pressed ? meant() : null) ?? pressed;
  if (aim && aim === last.is && Date.now() - last.at < 2 * MOMENT) return;
  if (aim !== pressed) {
    toast("The page has just moved under your finger. Nothing was done: look, and press again.", false);
    return;
  }
  last = { is: pressed, at: Date.now() };
  const fields = new FormData(form);
  if (event.submitter && event.submitter.name) fields.append(event.submitter.name, event.submitter.value);
  quiet(form, true);
  try {
    const said = await send(form, fields);
    if ("press" in form.dataset) {
      toast(said.reply, said.ok);
      if (said.ok && !log) form.closest(".card").classList.add("done");
    } else {
      remember(fields.get("text"));
      const field = form.querySelector("input[name=text]");
      if (field) field.value = "";
      $("toast").hidden = true;
      if (!form.elements.thread) toEnd();
    }
  } catch (error) {
    const unanswered = error instanceof TypeError || error.name === "TimeoutError";
    const kept = "press" in form.dataset ? "Look whether it was done before you press again." : "What you wrote is still here.";
    toast(unanswered ? `The hub did not answer. ${kept}` : error.message, false);
  } finally {
    quiet(form, false);
  }
}

// Arrow up brings back what one said before, as in a shell.
const said = [];
let back = 0;
function remember(text) { said.push(text); back = said.length; }
function recall(event) {
  if (event.target.name !== "text" || (event.key !== "ArrowUp" && event.key !== "ArrowDown") || !said.length) return;
  event.preventDefault();
  back = Math.max(0, Math.min(said.length, back + (event.key === "ArrowUp" ? -1 : 1)));
  event.target.value = said[back] || "";
}

// ------------------------------------------------------------------------------------------------------------- begin

tellTimes(document);
setInterval(() => tellTimes(document), 30000);
document.addEventListener("submit", submitted);
document.addEventListener("keydown", recall);
document.addEventListener("pointerdown", (event) => { thumb = { at: Date.now(), x: event.clientX, y: event.clientY }; });
if ($("toast")) {
  const close = () => { $("toast").hidden = true; };
  $("toast").querySelector("button").addEventListener("click", close);
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") close(); });
}
document.addEventListener("click", (event) => {
  const answer = event.target.closest(".answer > summary");
  if (answer) setTimeout(() => { if (answer.parentElement.open) answer.parentElement.querySelector("[name=text]").focus(); });
});

if (document.body.classList.contains("kept")) {
  setInterval(refresh, AGAIN);
  addEventListener("pageshow", (event) => { if (event.persisted) refresh(); });
  addEventListener("online", refresh);
  document.addEventListener("visibilitychange", refresh);
}

if (log) {
  tellOpen();
  if (location.hash) { const aim = $(location.hash.slice(1)); if (aim) aim.scrollIntoView(); } else toEnd();
  $("new").addEventListener("click", toNew);
  $("open").addEventListener("click", nextOpen);
  addEventListener("scroll", seen, { passive: true });
  addEventListener("pagehide", () => stream.close());
  addEventListener("pageshow", (event) => { if (event.persisted) connect(); });
  addEventListener("offline", () => lost(true, "This device is offline. What is new comes when it is back."));
  addEventListener("online", () => again(stream));
  document.addEventListener("visibilitychange", () => { if (!document.hidden) watch(SILENT / 2); });
  setInterval(() => watch(SILENT), 5000);
  connect();
}
