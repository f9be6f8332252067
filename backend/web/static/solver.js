// The proof of work on the challenge page: fetches a task, solves it in a worker, and posts the answer.
"use strict";

(() => {
  const form = document.getElementById("check");
  const part = (id) => document.getElementById(id);
  const [start, before, gains, work, bar] = ["start", "before", "gains", "work", "bar"].map(part);
  const [numbers, cancel, status, payload] = ["numbers", "cancel", "status", "payload"].map(part);
  const words = form.dataset;
  const otherwise = part("otherwise");
  const SPOKEN_EVERY = 25; // percent; a screen reader need not hear every step
  let worker = null;
  let request = null;
  let begun = 0;
  let spoken = 0;

  function fillIn(text, values) {
    return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
  }

  function show(percent, remaining) {
    bar.value = percent;
    const running = fillIn(words.running, { percent });
    const left = remaining > 0 ? ` · ${fillIn(words.remaining, { seconds: remaining })}` : "";
    numbers.textContent = running + left;
    if (percent >= spoken) {
      status.textContent = percent < 100 ? running : "";
      spoken = percent - (percent % SPOKEN_EVERY) + SPOKEN_EVERY;
    }
  }

  function stop(message, problem) {
    if (worker) worker.terminate();
    if (request) request.abort();
    worker = request = null;
    const focused = work.contains(document.activeElement);
    work.hidden = true;
    start.hidden = before.hidden = gains.hidden = otherwise.hidden = false;
    status.textContent = message;
    status.classList.toggle("problem", Boolean(problem));
    status.classList.remove("unseen");
    if (focused) start.focus();
  }

  function progress(message) {
    const percent = Math.min(99, Math.floor((100 * message.done) / message.ceiling));
    const spent = (performance.now() - begun) / 1000;
    // The answer is equally likely anywhere in the rest, so half of that is expected.
    const expected = (spent / message.done) * (message.ceiling - message.done) * 0.5;
    show(percent, Math.ceil(expected));
  }

  function send(task, solution) {
    worker.terminate();
    show(100, 0);
    status.classList.remove("unseen");
    status.textContent = words.sending;
    numbers.textContent = "";
    cancel.hidden = true;
    payload.value = btoa(JSON.stringify({ challenge: task, solution }));
    form.submit();
  }

  async function fetchTask() {
    request = new AbortController();
    const answer = await fetch(words.task, {
      method: "POST", // the server records that the sender began
      headers: { Accept: "application/json" },
      signal: request.signal,
      referrerPolicy: "no-referrer",
    });
    if (answer.status === 429) return { refused: words.tooMany };
    if (answer.status === 404 || answer.status === 410) {
      location.reload(); // the server's page says what is wrong with the link
      return { refused: "" };
    }
    if (!answer.ok) return { refused: words.offline };
    return { task: await answer.json() };
  }

  function run(task) {
    worker = new Worker(words.worker);
    worker.addEventListener("message", ({ data }) => {
      if (data.solution) send(task, data.solution);
      else if (data.failed) stop(words.failed, true);
      else progress(data);
    });
    worker.addEventListener("error", () => stop(words.failed, true));
    begun = performance.now();
    worker.postMessage(task);
  }

  async function begin() {
    start.hidden = before.hidden = gains.hidden = otherwise.hidden = true;
    work.hidden = cancel.hidden = false;
    status.classList.remove("problem");
    status.classList.add("unseen"); // for screen readers only: the same text is beside the bar
    spoken = 0;
    show(0, 0);
    cancel.focus();
    try {
      const got = await fetchTask();
      if (work.hidden) return; // cancelled meanwhile
      if (got.task) run(got.task);
      else stop(got.refused, true);
    } catch {
      if (!work.hidden) stop(words.offline, true);
    }
  }

  otherwise.hidden = false; // a code can be typed anywhere
  if (!window.isSecureContext || !window.crypto || !crypto.subtle) {
    status.textContent = words.insecure;
    status.classList.add("problem");
    document.querySelector("li[data-start]").hidden = true;
    return;
  }
  for (const shown of [start, ...document.querySelectorAll("[data-start]")]) shown.hidden = false;
  start.addEventListener("click", begin);
  cancel.addEventListener("click", () => stop(words.cancelled, false));
  // The Back button restores the page as it was left: reset it.
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) stop("", false);
  });
})();
