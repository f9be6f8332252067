"use strict";
// Replaces pywebview's bridge when the page is in a browser. Exchanges the ticket in the address for the key, kept in this tab.
(() => {
  const SILENT = {{SILENT}};
  const call = (path, init) => fetch(path, { ...init, cache: "no-store", headers: { Authorization: `Bearer ${sessionStorage.getItem("key")}` } });

  const ask = async (name, args) => {
    try {
      const answer = await call("/ask", { method: "POST", body: JSON.stringify({ do: name, args }) });
      return answer.ok ? await answer.json() : SILENT;
    } catch { return SILENT; }
  };

  const follow = async () => {
    for (;;) {
      try {
        const changes = await call("/changes");
        if (!changes.ok) return;
        const reader = changes.body.pipeThrough(new TextDecoderStream()).getReader();
        for (let rest = "", piece = await reader.read(); !piece.done; piece = await reader.read()) {
          const lines = (rest + piece.value).split("\n");
          rest = lines.pop();
          const latest = lines.filter(Boolean).pop();
          if (latest) window.pitchgate.show(JSON.parse(latest));
        }
      } catch { /* the app has ended, or the computer slept */ }
      await new Promise((go) => setTimeout(go, 1000));
    }
  };

  const begin = async () => {
    const ticket = location.hash.slice(1);
    if (ticket) {
      history.replaceState(null, "", "/");
      const key = await fetch("/key", { method: "POST", body: ticket });
      if (key.ok) sessionStorage.setItem("key", await key.text());
    }
    window.pywebview = { api: { ask } };
    window.dispatchEvent(new Event("pywebviewready"));
    follow();
  };
  begin();
})();
