// Refreshes pages about something in progress, and shows the effect of a changed choice at once. Without this script
// there are a link to refresh and a button to update.
"use strict";

(() => {
  const choice = document.getElementById("choice");
  const said = document.getElementById("progress-said");
  let latest = 0;

  const address = () => {
    if (!choice) return location.pathname;
    const chosen = new URLSearchParams();
    for (const name of ["mode", "strictness"]) {
      const radio = choice.querySelector(`input[name="${name}"]:checked`);
      if (radio) chosen.set(name, radio.value);
    }
    return `${location.pathname}?${chosen}`;
  };

  // Replace only the parts that change; what the owner is using or has opened stays.
  const swap = (fresh) => {
    for (const part of document.querySelectorAll("[data-part]")) {
      const found = fresh.getElementById(part.id);
      if (!found || found.innerHTML === part.innerHTML) continue;
      const next = document.importNode(found, true); // a copy, since the new page is read again for the waiting time
      const open = part.querySelector("details[open]") !== null;
      part.replaceWith(next);
      if (open) next.querySelector("details")?.setAttribute("open", "");
    }
    const words = fresh.querySelector("[data-say]")?.textContent.trim();
    if (said && words && said.textContent !== words) said.textContent = words;
  };

  const look = async () => {
    const turn = ++latest;
    const answer = await fetch(address(), { headers: self.proof, credentials: "same-origin", cache: "no-store" });
    if (!answer.ok) return null;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (turn === latest) steady(() => swap(fresh));
    return fresh;
  };

  const waits = (page) => Number(page.querySelector("[data-poll]")?.dataset.poll || 0);

  // Ask a server that does not answer less and less often, and stop after ten times. The link remains.
  const wait = (delay, failed = 0) => {
    if (!delay || failed > 10) return;
    setTimeout(async () => {
      const fresh = await look().catch(() => null);
      if (fresh) wait(waits(fresh));
      else wait(delay * 1.5, failed + 1);
    }, delay);
  };
  wait(waits(document));

  choice?.addEventListener("change", async () => {
    history.replaceState(null, "", address());
    await look().catch(() => null);
  });
  // The button to update is not needed with this script.
  document.getElementById("update")?.setAttribute("hidden", "");
})();
