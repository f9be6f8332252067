// Keeps an open page up to date: asks for the mailbox's position and swaps the live regions when it moved.
// Without scripts the pages work as they are; reloading shows what is new.
"use strict";

const INTERVAL = 2000;
const columns = document.querySelector("[data-state]");

// A frame is as high as its mail, which is never lower than the frame is when it is measured.
function fit(frame) {
  const page = frame.contentDocument;
  if (!page || !page.body) return;
  frame.style.height = "0";
  frame.style.height = `${page.documentElement.scrollHeight}px`;
}

const frames = () => document.querySelectorAll(".mail-frame");
document.addEventListener("load", ({ target }) => { if (target.matches?.(".mail-frame")) fit(target); }, true);
window.addEventListener("resize", () => frames().forEach(fit));
frames().forEach(fit);

function busy(region) {
  // Never pull away what the person is using: focus inside, a ticked box, a half-typed name.
  if (region.contains(document.activeElement) && document.activeElement !== document.body) return true;
  if (region.querySelector("input[type=checkbox]:checked")) return true;
  return Array.from(region.querySelectorAll("input:not([type=hidden]):not([type=checkbox])")).some((field) => field.value !== "");
}

async function swap() {
  const answer = await fetch(window.location.href, { headers: { Accept: "text/html" } });
  if (!answer.ok) return false;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  const regions = Array.from(document.querySelectorAll("[data-live]"));
  if (regions.some(busy)) return false;
  for (const region of regions) {
    const next = fresh.getElementById(region.id);
    if (next) region.replaceWith(document.importNode(next, true));
  }
  document.title = fresh.title;
  const news = document.getElementById("news");
  if (news) news.textContent = "The mailbox has changed; the page shows it now.";
  return true;
}

async function look() {
  try {
    const answer = await fetch(columns.dataset.state, { headers: { Accept: "application/json" } });
    if (answer.ok) {
      const position = (await answer.json()).historyId;
      if (position !== columns.dataset.history && (await swap())) columns.dataset.history = position;
    }
  } catch (error) {
    // The sandbox is gone or restarting: try again at the next turn.
  }
  window.setTimeout(look, INTERVAL);
}

if (columns) window.setTimeout(look, INTERVAL);
