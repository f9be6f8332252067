// Tells the server the browser's time zone, for times on the pages (UTC without this script), and registers the worker
// with the offline page.
"use strict";

// With `pitchgate home`: the half of the session's secret that is not in the cookie, for requests by scripts.
try {
  self.half = localStorage.getItem("pitchgate-half");
} catch {
  self.half = null; // the browser has no storage
}
self.proof = self.half ? { "X-Pitchgate-Half": self.half } : {};

(() => {
  const files = self.half ? document.querySelectorAll("a[download]") : [];
  for (const link of files) link.search = new URLSearchParams({ half: self.half });
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const secure = location.protocol === "https:" ? "; Secure" : "";
  if (zone) document.cookie = `pitchgate-zone=${zone}; Path=/; Max-Age=31536000; SameSite=Strict${secure}`;
  const { serviceWorker } = navigator;
  const watch = () => serviceWorker.register("/static/offline_worker.js", { scope: "/" }).catch(() => {});
  if (serviceWorker) addEventListener("load", watch);
})();
