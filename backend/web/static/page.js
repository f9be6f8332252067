// Times on an owner's pages are written in the reader's time zone. Without this they are said to be UTC.
// The installed app says so where this server cannot be reached.
"use strict";

// At home: the half of the browser's secret that its cookie does not hold, for what scripts ask for.
try {
  self.half = localStorage.getItem("pitchgate-half");
} catch {
  self.half = null; // a browser that keeps nothing
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
