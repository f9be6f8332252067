// Part of the service worker: shows the server's web push messages about new senders, one notification at a time.
"use strict";

const TAG = "held";

async function show({ id = "", title = "Pitchgate", body = "" }) {
  // A repeated message makes no second sound.
  const again = (await registration.getNotifications({ tag: TAG })).some((shown) => shown.data?.id === id);
  const icon = "/static/icon-192.png";
  await registration.showNotification(title, { body, icon, tag: TAG, renotify: !again, data: { id } });
}

async function review() {
  const windows = await clients.matchAll({ type: "window" });
  const open = windows.find((one) => new URL(one.url).pathname === "/review");
  await (open ? open.focus() : clients.openWindow("/review"));
}

async function renew({ oldSubscription, newSubscription }) {
  const subscription = newSubscription ?? (await registration.pushManager.subscribe(oldSubscription.options));
  const { endpoint, keys } = subscription.toJSON();
  await fetch("/settings/notifications/moved", {
    method: "POST",
    body: new URLSearchParams({ endpoint, ...keys }),
  });
}

self.addEventListener("push", (event) => event.waitUntil(show(event.data?.json() ?? {})));

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(review());
});

self.addEventListener("pushsubscriptionchange", (event) => event.waitUntil(renew(event)));
