// The review pages work without this. With it, acts happen in place and can be undone there, keys move through the
// list, what is decided elsewhere shows at once, and what is new is offered, never pushed in under the reader's fingers.
"use strict";

(() => {
  const known = new Map(); // the lines of this page by their newest message
  const fresh = new Set();
  const left = new Set(); // seen leaving; where they come back they are not new
  let latest = 0; // the change this page was made after
  let busy = false;

  const main = () => document.querySelector("main");
  const find = (selector) => main().querySelector(selector);
  const lines = () => [...main().querySelectorAll(".rows > .item")];
  const boxes = () => [...main().querySelectorAll("input[name=pick]:not(:disabled)")];

  function begin() {
    known.clear();
    fresh.clear();
    for (const row of main().querySelectorAll("[data-id]")) known.set(row.dataset.id, row);
    latest = Number(new URL(document.getElementById("live").dataset.events, location).searchParams.get("after"));
    for (const hidden of main().querySelectorAll("[data-every], [data-keys]")) hidden.hidden = false;
    count();
  }

  function tellNews() {
    const news = find("[data-news]");
    if (!news) return;
    const link = news.querySelector("a");
    // One text a count, since languages have more forms than two; the last is for ten and more.
    const counts = news.dataset.counts.split("|");
    link.textContent = fresh.size ? counts[Math.min(fresh.size, counts.length) - 1] : "";
    link.hidden = !fresh.size;
  }

  // A line is where it was; it only says where its mail is now, and can no longer be ordered about.
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

  function listen() {
    const own = self.half ? `&half=${self.half}` : "";
    const events = new EventSource(document.getElementById("live").dataset.events + own);
    events.addEventListener("mail", (event) => {
      if (Number(event.lastEventId) <= latest) return; // the page was made after it
      const change = JSON.parse(event.data);
      const row = known.get(change.id);
      if (row) {
        settle(row, change);
        return;
      }
      const news = find("[data-news]");
      const here = news && news.dataset.shelves.split(" ").includes(change.shelf);
      if (here && !left.delete(change.id)) fresh.add(change.id);
      else if (!here && !fresh.delete(change.id)) left.add(change.id);
      tellNews();
    });
    events.addEventListener("note", (event) => {
      const change = JSON.parse(event.data);
      const row = known.get(change.id);
      if (!row) return;
      let box = row.querySelector(".sender-note");
      if (!box) {
        box = document.getElementById("note").content.firstElementChild.cloneNode(true);
        (row.querySelector("[data-note]") || row).append(box);
      }
      box.querySelector("bdi").textContent = change.line;
      box.hidden = !change.line;
    });
    events.addEventListener("lost", () => {
      const news = find("[data-news]");
      if (!news) return;
      const link = news.querySelector("a");
      link.textContent = news.dataset.missed;
      link.hidden = false;
    });
    window.addEventListener("pagehide", () => events.close());
  }

  // The bar for what is selected shows itself when something is, and says how much.
  function count() {
    const bulk = find("[data-bulk]");
    if (!bulk) return;
    const all = boxes();
    const chosen = all.filter((box) => box.checked);
    bulk.hidden = !chosen.length;
    const emails = chosen.reduce((sum, box) => sum + Number(box.closest("[data-count]").dataset.count), 0);
    const words = bulk.querySelector("[data-many]");
    words.textContent = emails === 1 ? words.dataset.one : words.dataset.many.replace("#", emails);
    const every = find("[data-every] input");
    every.checked = chosen.length > 0 && chosen.length === all.length;
    every.indeterminate = chosen.length > 0 && chosen.length < all.length;
  }

  // The line the keys are on.
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

  async function act(form, submitter) {
    const body = new URLSearchParams(new FormData(form));
    if (submitter?.name) body.append(submitter.name, submitter.value);
    const at = lines().indexOf(submitter?.closest(".item") || here());
    const top = window.scrollY;
    try {
      const answer = await fetch(form.getAttribute("action"), { method: "POST", body, headers: self.proof });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      main().replaceWith(document.importNode(page.querySelector("main"), true));
      document.title = page.title;
      history.replaceState(null, "", answer.ok ? answer.url : location.href);
      if (document.getElementById("live")) begin();
      window.scrollTo(0, top);
      const rest = lines();
      if (at >= 0 && rest.length) go(rest[Math.min(at, rest.length - 1)], false);
      document.getElementById("spoken").textContent = find(".flash p")?.textContent || "";
    } catch {
      document.getElementById("spoken").textContent = "";
      form.submit(); // nothing was answered: as without this script
    }
  }

  // A message in the list itself: what its page shows, under its line.
  async function open(link) {
    const line = link.closest(".item");
    const shown = line.querySelector(".panel");
    if (shown) {
      shown.remove();
      return;
    }
    const answer = await fetch(link.href, { headers: self.proof }).catch(() => null);
    const page = answer?.ok ? new DOMParser().parseFromString(await answer.text(), "text/html") : null;
    const panel = page?.querySelector(".panel");
    if (!panel) location.assign(link.href);
    else if (!line.querySelector(".panel")) line.append(document.importNode(panel, true));
  }

  function pressed(key) {
    const all = lines();
    const line = here();
    if (key === "j" || key === "k") {
      const at = all.indexOf(line) + (key === "j" ? 1 : -1);
      go(all[Math.max(0, Math.min(at, all.length - 1))], true);
    } else if (key === "/") document.getElementById("q").focus();
    else if (key === "?") document.getElementById("all-keys").showModal();
    else if (key === "u") find(".flash button")?.click();
    else line?.querySelector(`[data-key="${key}"]:not(:disabled)`)?.click();
  }

  const list = document.querySelector("[data-news]");
  if (document.getElementById("live")) {
    begin();
    listen();
    // A browser that comes back to a page may keep its ticks.
    window.addEventListener("pageshow", count);
  }
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
  document.addEventListener("submit", async (event) => {
    if (!event.target.matches("#orders, .flash form")) return;
    event.preventDefault();
    if (busy) return;
    busy = true;
    await act(event.target, event.submitter);
    busy = false;
  });
  document.addEventListener("click", (event) => {
    const link = event.target.closest(".row .open");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    open(link);
  });
  document.addEventListener("keydown", (event) => {
    // Enter on a tick would send the form.
    if (event.key === "Enter" && event.target.type === "checkbox") event.preventDefault();
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    if (event.target.matches("input:not([type=checkbox]), select, textarea")) return;
    if (!"jkrabeu/?".includes(event.key)) return;
    event.preventDefault();
    pressed(event.key);
  });
})();
