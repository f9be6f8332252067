// Decisions ("orders") that the server has not saved yet. Each is stored in this browser before it is sent, with a key by
// which the server recognises a repeated one. Only decisions of the signed-in owner are sent.
"use strict";

const outbox = (() => {
  const NAME = "pitchgate-orders";
  const MOST = 50;
  const LONGEST = 12 * 3_600_000; // after that the owner may have decided otherwise elsewhere
  const PATIENCE = 35_000; // a little longer than the server's time limit
  let kept = [];
  let stores = true;
  const pressed = new Set(); // keys of orders made on this page and not sent yet

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
      stores = false; // without storage: kept only while this page is open
    }
  }

  const mine = () => all().filter((order) => order.owner === owner());
  const drop = ({ id }) => put(all().filter((order) => order.id !== id));

  // A random key.
  function key() {
    return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  }

  const actionOf = (button) => button.getAttribute("formaction") || button.form.getAttribute("action");

  // Store a form's order. `about` is what it decides about; an earlier unsaved order about the same is replaced. Null if
  // there are too many unsaved ones.
  function add(form, button, about) {
    const fields = [...new FormData(form)].filter(([name]) => name !== "csrf" && !(button.name === "one" && name === "pick"));
    const id = key();
    // The unsent orders before this one, so that the server does not count them as later decisions.
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

  // The CSRF token is valid only for its session. After another sign-in the owner has a new one.
  async function renew() {
    const { page } = await ask("/review");
    const fresh = page.querySelector("[data-owner]");
    if (fresh?.dataset.owner !== owner()) return false;
    const token = fresh.querySelector("input[name=csrf]").value;
    for (const field of document.querySelectorAll("input[name=csrf]")) field.value = token;
    return true;
  }

  // Send an order. "saved" or "refused" come with the answer's page; with "away" (no connection) or "signed out" it stays.
  async function send(order, again = false) {
    const body = new URLSearchParams(order.fields);
    // An order sent at once is the newest decision; a stored one may not be.
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
      // The answer may come from a proxy.
      return final && page.querySelector("main#content") ? { end: "refused", page, url } : { end: "away" };
    } catch {
      return { end: "away" };
    }
  }

  return { mine, drop, add, send, actionOf };
})();
