// The review pages work without this script. With it decisions and undo happen in place, the keyboard moves through the
// list, decisions made elsewhere show at once, and new mail is offered by a button instead of moving the list.
"use strict";

(() => {
  const known = new Map(); // the rows of this page by their newest message
  const fresh = new Set();
  const left = new Set(); // rows that have left; if they come back they are not new
  const given = new Set(); // keys of the orders (decisions) made on this page
  const RETRY = [2_000, 5_000, 15_000, 60_000];
  let latest = 0; // the number of the last change this page shows
  let sending = false;
  let away = ""; // why the last order could not be saved
  let refusal = ""; // the server's message about an order it refused
  let failed = 0;
  let timer = 0;

  const main = () => document.querySelector("main");
  const find = (selector) => main().querySelector(selector);
  const lines = () => [...main().querySelectorAll(".rows > .item")];
  const boxes = () => [...main().querySelectorAll("input[name=pick]:not(:disabled)")];
  const toast = document.getElementById("kept");

  function begin() {
    known.clear();
    fresh.clear();
    // An open message has an element of its own in its row.
    for (const row of main().querySelectorAll("[data-id]")) if (!known.has(row.dataset.id)) known.set(row.dataset.id, row);
    latest = Number(new URL(find("[data-events]").dataset.events, location).searchParams.get("after"));
    count();
    paint();
  }

  function tellNews(missed) {
    const { dataset, firstElementChild: link } = find("[data-news]");
    // One text per number, since languages have several plural forms; the last is for ten and more.
    const counts = dataset.counts.split("|");
    link.textContent = missed ? dataset.missed : fresh.size ? counts[Math.min(fresh.size, counts.length) - 1] : "";
    link.hidden = !link.textContent;
  }

  // The row stays in place, says where its mail is now, and has no buttons any more.
  function settle(row, change) {
    const moved = change.shelf !== row.dataset.shelf;
    const state = row.querySelector("[data-state]");
    state.textContent = moved ? change.text : "";
    state.hidden = !moved;
    row.classList.toggle("moved", moved);
    for (const control of row.querySelectorAll("input[name=pick], button[name=one]")) {
      if (moved && control.type === "checkbox") control.checked = false;
      control.disabled = moved;
    }
    count();
  }

  function arrived(change) {
    const row = known.get(change.id);
    if (row) {
      settle(row, change);
      return;
    }
    const here = find("[data-news]").dataset.shelves.split(" ").filter(Boolean);
    if (!here.length) return;
    if (here.includes(change.shelf) && !left.delete(change.id)) fresh.add(change.id);
    else if (!here.includes(change.shelf) && !fresh.delete(change.id)) left.add(change.id);
    tellNews();
  }

  function noted(change) {
    const row = known.get(change.id);
    const place = row?.querySelector(".why .sender-note");
    if (place) {
      place.querySelector("bdi").textContent = change.line;
      place.hidden = !change.line;
    } else if (row) {
      fresh.add(`note of ${change.id}`);
      tellNews();
    }
  }

  function listen() {
    const own = self.half ? `&half=${self.half}` : "";
    const events = new EventSource(find("[data-events]").dataset.events + own);
    events.addEventListener("mail", (event) => {
      if (Number(event.lastEventId) <= latest) return; // the page already shows it
      steady(() => arrived(JSON.parse(event.data)));
    });
    events.addEventListener("note", (event) => steady(() => noted(JSON.parse(event.data))));
    events.addEventListener("lost", () => steady(() => tellNews(true)));
    window.addEventListener("pagehide", () => events.close());
  }

  // Show the number of selected rows in the bulk bar.
  function count() {
    const bulk = find("[data-bulk]");
    if (!bulk) return;
    const all = boxes();
    const chosen = all.filter((box) => box.checked);
    const emails = chosen.reduce((sum, box) => sum + Number(box.closest("[data-count]").dataset.count), 0);
    const words = bulk.querySelector("[data-many]");
    const beyond = bulk.querySelector("[name=all]")?.checked;
    const said = beyond ? words.dataset.everyOne : emails === 1 ? words.dataset.one : words.dataset.many.replace("#", emails);
    if (words.textContent !== said) words.textContent = said; // the style of the whole list is computed again for it
    const every = find("[data-every] input");
    every.checked = chosen.length > 0 && chosen.length === all.length;
    every.indeterminate = chosen.length > 0 && chosen.length < all.length;
  }

  // The row that the keyboard is on.
  function here() {
    return find(".item:has(> .row.here)");
  }

  function go(line, scroll) {
    for (const row of main().querySelectorAll(".row.here")) row.classList.remove("here");
    if (!line) return;
    line.querySelector(".row").classList.add("here");
    line.querySelector(".open").focus({ preventScroll: true });
    if (scroll) line.scrollIntoView({ block: "nearest" });
  }

  // The button that made an order, if it still exists.
  function pressedOf({ action, pressed: [name, value] }) {
    const same = (button) => button.name === name && button.value === value && outbox.actionOf(button) === action;
    return [...main().querySelectorAll("button[type=submit], button:not([type])")].find((button) => button.form && same(button));
  }

  // The button of an unsaved order stays pressed, with a message beside it or at the top.
  function paint() {
    for (const button of main().querySelectorAll("[aria-pressed]")) button.removeAttribute("aria-pressed");
    for (const said of main().querySelectorAll(".unsaved")) said.remove();
    let elsewhere = away === "signed out";
    for (const order of outbox.mine()) {
      const button = pressedOf(order);
      button?.setAttribute("aria-pressed", "true");
      const place = button?.closest(".rows > .item")?.querySelector(".why");
      if (!place) elsewhere ||= away !== "";
      else if (away === "away") place.prepend(document.getElementById("unsaved").content.cloneNode(true));
    }
    for (const retry of document.querySelectorAll("[data-retry]")) retry.disabled = sending;
    const [words, retry, sign] = toast.children;
    const out = away === "signed out";
    words.textContent = elsewhere ? (out ? words.dataset.signedOut : words.dataset.away) : refusal;
    toast.hidden = !words.textContent;
    retry.hidden = out || !elsewhere;
    sign.hidden = !out;
  }

  // What an order is about. A later order about the same replaces it while it is unsent.
  function aboutOf(form, { name, value }) {
    const [, ...emails] = value.split(" ");
    if (name === "bulk") return `bulk ${new FormData(form).getAll("pick")}`;
    if (emails.length) return `${name} ${emails.join(" ").replace(/^\+/, "")}`;
    const { key, order, subject } = form.elements;
    return `${form.getAttribute("action")} ${(key || order || subject)?.value} ${name} ${value}`;
  }

  // False if the browser should submit the form itself.
  function press(form, button) {
    if (button.value === "nothing") return true;
    const about = aboutOf(form, button);
    refusal = "";
    if (!outbox.mine().some((order) => order.about === about && String(order.pressed) === String([button.name, button.value]))) {
      const order = outbox.add(form, button, about);
      if (!order) return false;
      given.add(order.id);
    }
    paint();
    drain();
    return true;
  }

  // Send the stored orders one after another, until one cannot be saved.
  async function drain() {
    if (sending) return;
    clearTimeout(timer);
    sending = true;
    let last = null;
    let mine = true;
    let stopped = "";
    for (let [order] = outbox.mine(); order && !stopped; [order] = outbox.mine()) {
      const { end, page, url } = await outbox.send(order);
      if (end === "away" || end === "signed out") stopped = end;
      else outbox.drop(order);
      if (end === "refused") refusal = page.querySelector("h1").textContent;
      if (end !== "saved") continue;
      mine &&= given.has(order.id);
      last = { page, url, order };
    }
    sending = false;
    away = stopped;
    failed = away ? failed + 1 : 0;
    if (away === "away") timer = setTimeout(drain, RETRY[Math.min(failed, RETRY.length) - 1]);
    if (last && mine) steady(() => show(last));
    else if (last) await showAgain(last);
    steady(paint);
  }

  // Show the list from the last order's answer, with the same rows open and selected.
  function show({ page, url, order }) {
    const next = page.querySelector("main");
    if (new URL(url).pathname !== location.pathname) {
      location.assign(url);
      return;
    }
    const at = lines().indexOf(pressedOf(order)?.closest(".item") || here());
    const top = window.scrollY;
    const typed = document.activeElement?.id === "q" ? document.activeElement.value : null;
    const before = main();
    before.replaceWith(document.importNode(next, true));
    document.title = page.title;
    history.replaceState(null, "", url);
    keepOpen(before);
    if (find("[data-events]")) begin();
    window.scrollTo(0, top);
    const rest = lines();
    if (typed !== null && find("#q")) Object.assign(find("#q"), { value: typed }).focus();
    else if (at >= 0 && rest.length) go(rest[Math.min(at, rest.length - 1)], false);
    const said = find(".flash");
    if (said) steady.aside(said);
    const spoken = document.getElementById("spoken");
    if (spoken) spoken.textContent = said?.querySelector("p").textContent || "";
  }

  function keepOpen(before) {
    for (const line of lines()) {
      const old = before.querySelector(`.rows > [data-id="${CSS.escape(line.dataset.id)}"]`);
      if (!old) continue;
      const panel = old.querySelector(":scope > .panel");
      if (panel) line.append(panel);
      const menu = line.querySelector(".menu");
      if (menu) menu.open = old.querySelector(".menu").open;
      line.querySelector("input[name=pick]").checked = old.querySelector("input[name=pick]").checked;
    }
  }

  // Orders from an earlier visit were saved: reload the list, and show the answer's message.
  async function showAgain({ page: said, order }) {
    const answer = await fetch(location.href, { headers: { Accept: "text/html", ...self.proof } }).catch(() => null);
    const page = answer?.ok ? new DOMParser().parseFromString(await answer.text(), "text/html") : null;
    if (!page?.querySelector("[data-events]")) return;
    page.querySelector(".flash")?.remove();
    const flash = said.querySelector(".flash");
    if (flash) page.querySelector("main").prepend(page.importNode(flash, true));
    steady(() => show({ page, url: location.href, order }));
  }

  // Open a message in the list: show the content of its page under its row.
  async function open(link) {
    const line = link.closest(".item");
    const shown = line.querySelector(".panel");
    if (shown) {
      shown.remove();
      return;
    }
    const answer = await fetch(link.href, { headers: { Accept: "text/html", ...self.proof } }).catch(() => null);
    const page = answer?.ok ? new DOMParser().parseFromString(await answer.text(), "text/html") : null;
    const panel = page?.querySelector(".panel");
    if (!panel) location.assign(link.href);
    else if (!line.querySelector(".panel")) steady(() => line.append(document.importNode(panel, true)));
  }

  function pressed(key) {
    const all = lines();
    const line = here();
    if (key === "j" || key === "k") {
      const at = all.indexOf(line) + (key === "j" ? 1 : -1);
      go(all[Math.max(0, Math.min(at, all.length - 1))], true);
    } else if (key === "/") document.getElementById("q").focus();
    else if (key === "?") document.getElementById("all-keys").showModal();
    else if (key === "x") line?.querySelector("input[name=pick]:not(:disabled)")?.click();
    else if (key === "u") find(".flash button")?.click();
    else line?.querySelector(`[data-key="${key}"]:not(:disabled)`)?.click();
  }

  if (find("[data-events]")) {
    begin();
    listen();
    // A browser may restore checkboxes when it returns to a page.
    window.addEventListener("pageshow", count);
  }
  document.addEventListener("submit", (event) => {
    const { target: form, submitter } = event;
    if (form.method !== "post" || !submitter || !main().contains(form)) return;
    if (new URL(form.action).pathname.startsWith("/review/") && press(form, submitter)) event.preventDefault();
  });
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-retry]")) drain();
  });
  window.addEventListener("online", drain);
  document.addEventListener("visibilitychange", () => { if (!document.hidden && outbox.mine().length) drain(); });
  if (outbox.mine().length) drain();

  const list = document.getElementById("all-keys");
  if (!list) return;

  document.addEventListener("change", (event) => {
    if (event.target.closest("[data-every]")) for (const box of boxes()) box.checked = event.target.checked;
    count();
  });
  document.addEventListener("focusin", (event) => {
    const line = event.target.closest(".rows > .item");
    if (!line || line === here()) return;
    for (const row of main().querySelectorAll(".row.here")) row.classList.remove("here");
    line.querySelector(".row").classList.add("here");
  });
  document.addEventListener("click", (event) => {
    const link = event.target.closest(".row .open");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    open(link);
  });
  document.addEventListener("keydown", (event) => {
    // Enter in a checkbox would submit the form.
    if (event.key === "Enter" && event.target.type === "checkbox") event.preventDefault();
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    if (event.target.matches("input:not([type=checkbox]), select, textarea")) return;
    if (!"jkxrabeu/?".includes(event.key)) return;
    event.preventDefault();
    pressed(event.key);
  });
})();
