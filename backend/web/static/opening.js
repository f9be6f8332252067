// With `pitchgate home` a browser sends our cookie to every port of this machine, so it holds only half of the session's
// secret. The other half is in this page's storage, which is separated by port; the sign-in put it there. Requests the
// page with both halves and shows it in place of this one.
"use strict";

(async () => {
  const NAME = "pitchgate-half";
  const { half } = document.currentScript.dataset;
  if (half) {
    localStorage.setItem(NAME, half);
    return;
  }
  const handed = location.hash.match(/^#half=([\w-]+)$/);
  if (handed) {
    localStorage.setItem(NAME, handed[1]);
    history.replaceState(null, "", location.pathname + location.search);
  }
  const { hash } = location;
  const headers = { "X-Pitchgate-Half": localStorage.getItem(NAME) ?? "none", Accept: "text/html" };
  const answer = await fetch(location.href, { headers, credentials: "same-origin", cache: "no-store" });
  const page = await answer.text();
  history.replaceState(null, "", answer.url + hash);
  document.open();
  document.write(page);
  document.close();
  if (hash) document.getElementById(hash.slice(1))?.scrollIntoView();
})();
