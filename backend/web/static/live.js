// Keeps the live page up to date. Without this script the page reloads itself.
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
    // Its text was escaped by the server, and the page's content policy would run no script in it.
    const dots = () => [...board.querySelectorAll("[data-dot]")];
    const known = new Set(dots().map((dot) => dot.dataset.dot));
    board.innerHTML = JSON.parse(event.data);
    for (const dot of dots()) dot.classList.toggle("past", known.has(dot.dataset.dot)); // only new dots are animated
    tellLocalTimes();
    say(board.dataset.on);
  });
  tellLocalTimes();
  events.addEventListener("open", () => say(board.dataset.on));
  events.addEventListener("error", () => say(board.dataset.off));
})();
