// Orders that are not saved yet. Each is kept in this browser before it is sent, under the key by which the server knows
// it: sent twice it is one order. It goes out only while the page is that of the owner who gave it.
"use strict";

const outbox = (() => {
  const NAME = "pitchgate-orders";
  const MOST = 50;
  const LONGEST = 12 * 3_600_000; // later the owner may have decided otherwise, somewhere else
  const PATIENCE = 35_000; // a little longer than the server's own
  let kept = [];
  let stores = true;
  const pressed = new Set(); // keys of orders that were not sent yet since their button was pressed

  const owner = () => document.querySelector("[data-owner]")?.dataset.owner;

  function all() {
    try {
      if (stores) kept = JSON.parse(localStorage.getItem(NAME));
    } catch { /* no storage, or not what was put there */ }
    if (!Array.isArray(kept)) kept = [];
    return kept.filter((order) => Date.now() - order?.at < LONGEST);
  }

  function put(orders) {
    kept = orders;
    try {
      localStorage.setItem(NAME, JSON.stringify(orders));
    } catch {
      stores = false; // kept while this page is open
    }
  }

  const mine = () => all().filter((order) => order.owner === owner());
  const drop = ({ id }) => put(all().filter((order) => order.id !== id));

  // Letters and digits that nobody else makes.
  function key() {
    return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  }

  const actionOf = (button) => button.getAttribute("formaction") || button.form.getAttribute("action");

  // Keep what a form orders; `about` is what it decides, and an earlier unsaved order about the same gives way. Null
  // when too many wait already.
  function add(form, button, about) {
    const fields = [...new FormData(form)].filter(([name]) => name !== "csrf" && !(button.name === "one" && name === "pick"));
    const id = key();
    // What this browser ordered before and has not sent yet: the server takes it for nothing that was decided since.
    const before = mine().flatMap((other) => [other.id, ...(other.after || []), ...other.fields.filter(([name]) => name === "key").map(([, value]) => value)]);
    const order = {
      id,
      owner: owner(),
      at: Date.now(),
      after: [...new Set(before)].slice(-4 * MOST),
      action: actionOf(button),
      about,
      pressed: [button.name, button.value],
      fields: [...fields.map(([name, value]) => [name, name === "order" ? id : value]), [button.name, button.value]],
    };
    const others = all().filter((other) => !(other.owner === order.owner && other.about === about));
    if (others.length >= MOST) return null;
    put([...others, order]);
    pressed.add(id);
    return order;
  }

  async function ask(address, options) {
    const answer = await fetch(address, { headers: { Accept: "text/html", ...self.proof }, signal: AbortSignal.timeout(PATIENCE), ...options });
    return { answer, page: new DOMParser().parseFromString(await answer.text(), "text/html") };
  }

  // The form token ends with the session that it was made for. The same owner, signed in again, has another.
  async function renew() {
    const { page } = await ask("/review");
    const fresh = page.querySelector("[data-owner]");
    if (fresh?.dataset.owner !== owner()) return false;
    const token = fresh.querySelector("input[name=csrf]").value;
    for (const field of document.querySelectorAll("input[name=csrf]")) field.value = token;
    return true;
  }

  // "saved" or "refused" with the page that says so; else it is kept: "away", or "signed out".
  async function send(order, again = false) {
    const body = new URLSearchParams(order.fields);
    // An order that goes out at once is newer than anything; one that was kept may not be.
    if (!pressed.delete(order.id)) {
      body.set("age", Math.max(0, Date.now() - order.at));
      body.set("after", (order.after || []).join(" "));
    }
    body.set("csrf", document.querySelector("input[name=csrf]").value);
    try {
      const { answer, page } = await ask(order.action, { method: "POST", body });
      const { status, url } = answer;
      if (answer.ok) return page.querySelector("[data-owner]")?.dataset.owner === order.owner ? { end: "saved", page, url } : { end: "away" };
      if (status === 401) return { end: "signed out" };
      if (status === 403) return !again && (await renew()) ? send(order, true) : { end: "signed out" };
      const final = status >= 400 && status < 500 && ![408, 409, 425, 429].includes(status);
      // What stands between us and the server has pages of its own.
      return final && page.querySelector("main#content") ? { end: "refused", page, url } : { end: "away" };
    } catch {
      return { end: "away" };
    }
  }

  return { mine, drop, add, send, actionOf };
})();
