// Keeps the live page up to date. Without it the page reloads itself.
"use strict";

(() => {
  const board = document.getElementById("board");
  const connection = document.getElementById("connection");
  const events = new EventSource(board.dataset.events);

  function say(text) {
    if (connection.textContent !== text) connection.textContent = text;
  }

  events.addEventListener("board", (event) => {
    // Text in it was escaped where the page was made; the policy of the page runs no script from it either.
    const held = board.querySelector(".scroll");
    const left = held ? held.scrollLeft : 0;
    const focused = held && held === document.activeElement;
    board.innerHTML = JSON.parse(event.data);
    const now = board.querySelector(".scroll");
    if (now) {
      now.scrollLeft = left;
      if (focused) now.focus();
    }
    say(board.dataset.on);
  });
  events.addEventListener("open", () => say(board.dataset.on));
  events.addEventListener("error", () => say(board.dataset.off));
})();
