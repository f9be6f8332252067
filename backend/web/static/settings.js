// Saves each setting at once: a click, a tick or typed text submits its form, and the answer's page replaces this one in
// place. Without this script a form has a button, and the page is reloaded.
"use strict";

(() => {
  const said = document.getElementById("said");
  const unsaved = document.getElementById("unsaved");
  let latest = 0;
  let sending = "";
  let again = null;

  const settings = () => document.querySelector(".split > div");
  const handle = ({ id, name, value }) => (id ? `#${CSS.escape(id)}` : `[name="${name}"][value="${CSS.escape(value)}"]:not([type=hidden])`);

  function show(page) {
    const opened = [...settings().querySelectorAll("details[open][id]")].map(({ id }) => id);
    const { activeElement: held } = document;
    const focus = settings().contains(held) && (held.id || held.name) ? handle(held) : "";
    settings().replaceWith(document.importNode(page.querySelector(".split > div"), true));
    document.querySelector(".chip").replaceWith(document.importNode(page.querySelector(".chip"), true));
    for (const id of opened) document.getElementById(id)?.setAttribute("open", "");
    if (focus) (settings().querySelector(focus) ?? settings().querySelector(".undo"))?.focus({ preventScroll: true });
    document.title = page.title;
    said.textContent = settings().querySelector(".toast p, .notice")?.textContent ?? "";
  }

  async function save(form, submitter) {
    const body = new URLSearchParams(new FormData(form, submitter));
    const sent = `${form.action} ${body}`;
    if (sent === sending) return; // Enter in a field sends what its change has just sent: "Undo" would undo nothing
    const turn = ++latest;
    sending = sent;
    again = () => save(form, submitter);
    try {
      const answer = await fetch(form.action, { method: "POST", body, headers: self.proof });
      if (!answer.ok && answer.status !== 422) throw new Error(answer.status);
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (turn !== latest) return; // a later change was sent meanwhile, whose answer shows both
      unsaved.hidden = true;
      show(page);
    } catch {
      unsaved.hidden = false;
    } finally {
      if (turn === latest) sending = "";
    }
  }

  document.addEventListener("submit", (event) => {
    if (!event.target.matches("[data-at-once]")) return;
    event.preventDefault();
    save(event.target, event.submitter);
  });
  document.addEventListener("change", ({ target }) => target.form?.matches('[data-at-once=""]') && target.form.requestSubmit());
  unsaved.querySelector("button").addEventListener("click", () => again?.());
})();
