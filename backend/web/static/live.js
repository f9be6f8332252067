// Keeps the live page up to date. Without it the page reloads itself.
"use strict";

(() => {
  const board = document.getElementById("board");
  const connection = document.getElementById("connection");
  const events = new EventSource(board.dataset.events);

  // The server does not know the reader's time zone; the browser does.
  function tellLocalTimes() {
    for (const time of board.querySelectorAll("time"))
      time.textContent = new Date(time.dateTime).toLocaleTimeString(document.documentElement.lang, { hour: "2-digit", minute: "2-digit" });
  }

  function say(text) {
    if (connection.textContent !== text) connection.textContent = text;
  }

  events.addEventListener("board", (event) => {
    // Text in it was escaped where the page was made; the policy of the page runs no script from it either.
    const dots = () => [...board.querySelectorAll("[data-dot]")];
    const known = new Set(dots().map((dot) => dot.dataset.dot));
    board.innerHTML = JSON.parse(event.data);
    for (const dot of dots()) dot.classList.toggle("past", known.has(dot.dataset.dot)); // only what is new travels
    tellLocalTimes();
    say(board.dataset.on);
  });
  tellLocalTimes();
  events.addEventListener("open", () => say(board.dataset.on));
  events.addEventListener("error", () => say(board.dataset.off));
})();
