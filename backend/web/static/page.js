// Times on an owner's pages are written in the zone of whoever reads them. Without this they are said to be UTC.
"use strict";

(() => {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const secure = location.protocol === "https:" ? "; Secure" : "";
  if (zone) document.cookie = `pitchgate-zone=${zone}; Path=/; Max-Age=31536000; SameSite=Strict${secure}`;
})();
