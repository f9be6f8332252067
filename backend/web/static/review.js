// The review pages work without this. With it, what is decided elsewhere shows at once, and what is new is offered,
// never pushed in under the reader's fingers.
"use strict";

(() => {
  const live = document.getElementById("live");
  const news = document.querySelector("[data-news]");
  if (!live) return;

  const rows = new Map();
  for (const row of live.querySelectorAll("[data-id]")) rows.set(row.dataset.id, row);
  const shelves = new Set(news ? news.dataset.shelves.split(" ") : []);
  const fresh = new Set();

  function tellNews() {
    if (!news) return;
    const link = news.querySelector("a");
    // One text a count, since languages have more forms than two; the last is for ten and more.
    const counts = news.dataset.counts.split("|");
    link.textContent = fresh.size ? counts[Math.min(fresh.size, counts.length) - 1] : "";
    link.hidden = !fresh.size;
  }

  // A row is where it was; it only says where its mail is now, and can no longer be ordered about.
  function settle(row, told) {
    const moved = told.shelf !== row.dataset.shelf;
    const state = row.querySelector("[data-state]");
    state.textContent = moved ? told.text : "";
    state.hidden = !moved;
    row.classList.toggle("moved", moved);
    for (const box of row.querySelectorAll("input[name=pick]")) {
      if (moved) box.checked = false;
      box.disabled = moved;
    }
    for (const button of row.querySelectorAll("button[name=one]")) button.disabled = moved;
    count();
  }

  function listen() {
    const events = new EventSource(live.dataset.events);
    events.addEventListener("mail", (event) => {
      const told = JSON.parse(event.data);
      const row = rows.get(told.id);
      if (row) {
        settle(row, told);
        return;
      }
      if (shelves.has(told.shelf)) fresh.add(told.id);
      else fresh.delete(told.id);
      tellNews();
    });
    events.addEventListener("appeal", (event) => {
      const told = JSON.parse(event.data);
      const row = rows.get(told.id);
      if (!row) return;
      let box = row.querySelector(".appeal");
      if (!box) {
        box = document.getElementById("appeal").content.firstElementChild.cloneNode(true);
        row.querySelector("[data-state]").before(box);
      }
      box.querySelector("bdi").textContent = told.line;
      box.hidden = !told.line;
    });
    events.addEventListener("lost", () => {
      if (!news) return;
      const link = news.querySelector("a");
      link.textContent = news.dataset.missed;
      link.hidden = false;
    });
    window.addEventListener("pagehide", () => events.close());
  }

  // The bar for what is chosen shows itself when something is.
  const bulk = live.querySelector("[data-bulk]");
  const every = live.querySelector("[data-every]");
  const boxes = () => [...live.querySelectorAll("input[name=pick]:not(:disabled)")];

  function count() {
    if (!bulk) return;
    const all = boxes();
    const chosen = all.filter((box) => box.checked).length;
    bulk.hidden = !chosen;
    const box = every.querySelector("input");
    box.checked = chosen > 0 && chosen === all.length;
    box.indeterminate = chosen > 0 && chosen < all.length;
  }

  if (bulk) {
    every.hidden = false;
    every.querySelector("input").addEventListener("change", (event) => {
      for (const box of boxes()) box.checked = event.target.checked;
      count();
    });
    live.addEventListener("change", count);
    live.addEventListener("keydown", (event) => {
      // Enter on a tick would send the form.
      if (event.key === "Enter" && event.target.type === "checkbox") event.preventDefault();
    });
    // A browser that comes back to a page may keep its ticks.
    window.addEventListener("pageshow", count);
    count();
  }
  if (live.dataset.events) listen();
})();
