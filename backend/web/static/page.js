// Times on an owner's pages are written in the zone of whoever reads them. Without this they are said to be UTC.
// The installed app says so where this server cannot be reached.
"use strict";

(() => {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const secure = location.protocol === "https:" ? "; Secure" : "";
  if (zone) document.cookie = `pitchgate-zone=${zone}; Path=/; Max-Age=31536000; SameSite=Strict${secure}`;
  const { serviceWorker } = navigator;
  const watch = () => serviceWorker.register("/static/offline_worker.js", { scope: "/" }).catch(() => {});
  if (serviceWorker) addEventListener("load", watch);
})();
