// On a click, asks the browser for permission to show notifications and for its push address, which the form then sends
// to the server.
"use strict";

(() => {
  const on = document.querySelector("form[data-public]");
  const off = document.querySelector("form[data-off]");
  const status = on.querySelector("[role=status]");
  const button = on.querySelector("button");
  const able = "PushManager" in window && "Notification" in window && "serviceWorker" in navigator;

  function say(what) {
    status.textContent = on.dataset[what] ?? "";
  }

  function bytes(text) {
    const plain = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
    return Uint8Array.from(plain, (letter) => letter.charCodeAt(0));
  }

  async function known() {
    const registration = await navigator.serviceWorker.getRegistration();
    return registration?.pushManager.getSubscription();
  }

  async function subscribe() {
    // A subscription from another sign-in has another key.
    await (await known())?.unsubscribe();
    const { pushManager } = await navigator.serviceWorker.ready;
    return pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: bytes(on.dataset.public) });
  }

  async function turnOn() {
    if ((await Notification.requestPermission()) !== "granted") {
      say("denied");
      return;
    }
    const { endpoint, keys } = (await subscribe()).toJSON();
    for (const [name, value] of Object.entries({ endpoint, ...keys })) on.elements[name].value = value;
    on.submit();
  }

  async function look() {
    if (!off || (Notification.permission === "granted" && (await known()))) return;
    off.hidden = true;
    on.hidden = false;
    say("lost");
  }

  if (!able) {
    button.hidden = true;
    say("none");
    return;
  }
  button.disabled = false;
  on.addEventListener("submit", (event) => {
    event.preventDefault();
    button.disabled = true;
    turnOn()
      .catch(() => say("failed"))
      .finally(() => {
        button.disabled = false;
      });
  });
  off?.addEventListener("submit", (event) => {
    event.preventDefault();
    known()
      .then((subscription) => subscription?.unsubscribe())
      .catch(() => {})
      .finally(() => off.submit());
  });
  look();
})();
