// Service worker that shows the offline page when the server cannot be reached. It caches only that page and its style,
// never a page of an owner's or anything about their mail.
"use strict";

importScripts("pushed.js");

const KEPT = "offline";
const OFFLINE = "/offline";
// Only these pages, whose GET changes nothing. Others (a ticket, the way back from Google) are left to the browser, so
// that the server sees which site started the navigation.
const PAGES = new Set([
  "/",
  "/review",
  "/insights",
  "/settings",
  "/settings/data",
  "/settings/leave",
  "/settings/lists",
  "/settings/notifications",
  "/settings/wording",
  "/devices",
  "/start",
]);

async function keep() {
  const page = await fetch(OFFLINE, { cache: "no-store", credentials: "omit" });
  if (!page.ok) throw new Error(`${OFFLINE}: ${page.status}`);
  const parts = (await page.clone().text()).match(/\/static\/[\w.-]+\?v=\w+/g);
  await caches.delete(KEPT);
  const cache = await caches.open(KEPT);
  await cache.addAll(new Set(parts));
  await cache.put(OFFLINE, page);
}

self.addEventListener("install", (event) => event.waitUntil(keep()));

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== location.origin) return;
  if (request.mode === "navigate" && PAGES.has(pathname)) {
    event.respondWith(fetch(request).catch(() => caches.match(OFFLINE)));
  } else if (pathname.startsWith("/static/")) {
    event.respondWith(fetch(request).catch(async () => (await caches.match(request)) ?? Response.error()));
  }
});
