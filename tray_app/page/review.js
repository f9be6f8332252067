"use strict";
// The local review page. Shows the state it gets from the tray; decisions go to the tray, which stores and sends them.
(() => {
  const CHUNK = 50;
  const WORDS = {{WORDS}};
  const form = (n) => Number({{PLURAL}}); // the plural rule of the language's catalogue
  const fill = (text, blanks) => text.replace(/\{(\w+)\}/g, (_, name) => blanks[name]);
  const t = (key, blanks) => fill(WORDS[key][0], blanks);
  const tn = (key, count, blanks) => fill(WORDS[key][form(count)], { count, ...blanks });
  const at = (id) => document.getElementById(id);
  let leaving = null, near = []; // the card decided last; the cards after and before it
  let seen = null; // ids in the list; newer messages are shown only on request
  let state = null, tab = "held", query = "", rows = new Map(), undoTimer = 0, problemTimer = 0;

  const ask = async (name, args) => {
    const answer = await window.pywebview.api.ask(name, args || {});
    if (answer && answer.error) { problem(answer.error); return null; }
    if (answer && "held" in answer) show(answer);
    return answer;
  };

  const problem = (error) => {
    at("problem").textContent = [error.title, error.remedy].filter(Boolean).join(". ");
    at("problem").hidden = false;
    clearTimeout(problemTimer);
    problemTimer = setTimeout(() => { at("problem").hidden = true; }, 10000);
  };

  const make = (tag, text, name) => {
    const element = document.createElement(tag);
    if (text !== undefined) element.textContent = text;
    if (name) element.className = name;
    return element;
  };

  // Change the page. Where something moved, appeared or disappeared, clicks are ignored for a moment: they were meant for
  // what was there before.
  const steadily = (change) => {
    const box = (one) => { const { left, top, width, height } = one.getBoundingClientRect(); return [left, top, width, height].map(Math.round); };
    const near = ([, top, , height]) => height && top < innerHeight && top + height > 0;
    const nodes = () => [...[...document.querySelectorAll(".chunk")].filter((one) => near(box(one))).flatMap((one) => [...one.children]), at("undo"), at("news")];
    const boxes = () => new Map(nodes().map((one) => [one, box(one)]).filter(([, found]) => near(found)));
    const before = boxes();
    change();
    const after = boxes();
    const moved = [...new Set([...before.keys(), ...after.keys()])].map((one) => [before.get(one), after.get(one)]).filter(([old, now]) => String(old) !== String(now));
    if (!moved.length) return;
    const shield = make("div", undefined, "still");
    shield.style.clipPath = `path("${moved.flat().filter(Boolean).map(([x, y, w, h]) => `M${x} ${y}h${w}v${h}h${-w}z`).join("")}")`;
    document.body.append(shield);
    setTimeout(() => shield.remove(), 300);
  };

  const grouped = (messages) => {
    const senders = new Map();
    for (const message of messages) {
      if (!senders.has(message.sender)) senders.set(message.sender, []);
      senders.get(message.sender).push(message);
    }
    return senders;
  };

  const matches = (messages) => {
    if (!query) return true;
    return messages.some((m) => `${m.sender} ${m.sender_name} ${m.subject}`.toLowerCase().includes(query));
  };

  // English dates in the server's format: 25 Nov, 09:42.
  const LANGUAGE = document.documentElement.lang.replace(/^en$/, "en-GB");
  const TODAY = { timeStyle: "short" }, YEAR = { day: "numeric", month: "short" }, OLDER = { dateStyle: "medium" };
  const when = (text) => text ? new Date(text).toLocaleString(LANGUAGE, { dateStyle: "medium", timeStyle: "short" }) : "";

  // As in the server's list: the time for today, else the date.
  const brief = (text) => {
    const then = new Date(text), now = new Date();
    const form = then.toDateString() === now.toDateString() ? TODAY : then.getFullYear() === now.getFullYear() ? YEAR : OLDER;
    return then.toLocaleString(LANGUAGE, form);
  };

  const initials = (name) => {
    const signs = name.split("@")[0].split(/[\s.]+/).map((word) => (word.match(/[\p{L}\p{N}]/u) || [""])[0]).filter(Boolean);
    return [signs[0] || "?", ...signs.slice(1).slice(-1)].join("").toUpperCase();
  };

  const choice = (text, key, message, decision, kind = "btn") => {
    const button = make("button", text, kind);
    button.dataset.key = key;
    button.addEventListener("click", () => decide(message.gmail_id, decision, button.closest("article")));
    return button;
  };

  const preview = async (message, card) => {
    const open = card.querySelector("pre");
    if (open) { open.remove(); return; }
    const answer = await ask("preview", { gmail_id: message.gmail_id });
    if (answer) card.querySelector(".more").append(make("pre", answer.text || t("no_text")));
  };

  const card = (sender, messages) => {
    const newest = messages[0];
    const article = make("article");
    article.tabIndex = -1;
    article.dataset.sender = sender;
    const name = newest.sender_name || sender;
    article.setAttribute("aria-label", tn("card", messages.length, { name }));
    const face = make("span", initials(name), `avatar ${newest.tint}`);
    face.setAttribute("aria-hidden", "true");
    const title = make("h2", name);
    if (messages.length > 1) title.append(make("span", messages.length, "count"));
    if (newest.sender_name) title.append(" ", make("span", sender, "addr"));
    article.append(face, title, make("p", newest.subject || t("no_subject"), "line cut"));
    if (newest.told) article.append(make("p", newest.told, "why cut"));
    if (newest.score !== null) {
      const points = Math.round(Math.min(0.99, Math.max(0.01, newest.score)) * 100);
      const word = points < 40 ? "score_unlikely" : points < 80 ? "score_maybe" : "score_pitch";
      const score = make("span", undefined, word.replace("_", " "));
      score.append(make("b", points), " ", t(word));
      article.append(score);
    }
    if (newest.received_at) {
      const time = make("time", brief(newest.received_at));
      time.title = when(newest.received_at);
      article.append(time);
    }
    const actions = make("div", undefined, "acts"), further = make("div", undefined, "acts"), more = make("div", undefined, "more");
    if (tab === "held") {
      actions.append(choice(t(messages.length > 1 ? "release_newest" : "release"), "r", newest, "release", "btn go"), choice(t("block"), "b", newest, "block", "btn bare block"));
      further.append(choice(t("allow"), "a", newest, "allow"));
      if (newest.domain) further.append(choice(t("allow_domain", { domain: newest.domain }), "d", newest, "allow_domain"));
      further.append(choice(t("keep"), "e", newest, "keep"));
    } else {
      actions.append(choice(t("sales"), "s", newest, "sales"));
    }
    const look = make("button", t("preview"), "btn");
    look.dataset.key = "p";
    look.addEventListener("click", () => preview(newest, article));
    further.append(look);
    const noted = messages.find((message) => message.note);
    if (noted) more.append(make("p", t("note", { text: noted.note }), "note"));
    more.append(further);
    article.append(actions, more);
    return article;
  };

  const render = () => {
    const list = at("list");
    // New mail does not move the list: a button offers it, unless the page is hidden or the list empty.
    if (!seen || document.hidden || !state[tab].some((m) => seen.has(m.gmail_id))) seen = new Set(state[tab].map((m) => m.gmail_id));
    const shown = state[tab].filter((m) => seen.has(m.gmail_id)), fresh = state[tab].length - shown.length;
    at("news").hidden = !fresh;
    at("news").textContent = fresh ? tn("new", fresh) : "";
    const kept = new Map();
    const cards = [];
    for (const [sender, messages] of grouped(shown)) {
      if (!matches(messages)) continue;
      const sign = tab + messages.map((m) => m.gmail_id + (m.note || "")).join();
      const known = rows.get(sender);
      const row = known && known.sign === sign ? known : { sign, card: card(sender, messages) };
      kept.set(sender, row);
      cards.push(row.card);
    }
    rows = kept;
    const focused = document.activeElement && document.activeElement.closest("article");
    const chunks = [];
    for (let start = 0; start < cards.length; start += CHUNK) {
      const chunk = list.children[start / CHUNK] || make("div", undefined, "chunk");
      const wanted = cards.slice(start, start + CHUNK);
      const same = chunk.children.length === wanted.length && wanted.every((one, i) => chunk.children[i] === one);
      if (!same) chunk.replaceChildren(...wanted);
      chunks.push(chunk);
    }
    if (list.children.length !== chunks.length || chunks.some((one, i) => list.children[i] !== one)) list.replaceChildren(...chunks);
    if (focused && focused.isConnected && document.activeElement !== focused && !focused.contains(document.activeElement)) focused.focus();
    at("empty").hidden = cards.length > 0;
    at("empty").textContent = t(query ? "no_match" : tab === "held" ? "nothing_held" : "nothing_released");
    const first = list.querySelector("article");
    if (first && !list.querySelector('article[tabindex="0"]')) first.tabIndex = 0;
    if (leaving && !leaving.isConnected) {
      leaving = null;
      if (document.activeElement === document.body) focusCard(near.find((one) => one.isConnected) || first);
    }
  };

  const show = (next) => steadily(() => draw(next));

  const draw = (next) => {
    state = next;
    at("headline").textContent = state.headline;
    at("remedy").textContent = [state.no_tray, state.remedy].filter(Boolean).join(" ");
    const facts = [];
    if (!state.online && state.as_of) facts.push(t("last_heard", { at: when(state.as_of) }));
    if (state.waiting) facts.push(tn("waiting", state.waiting));
    at("facts").textContent = facts.join(" ");
    at("live").hidden = !state.online;
    at("retry").hidden = state.online || !state.signed_in;
    at("connect").hidden = state.signed_in && state.online || (state.signed_in && state.as_of !== null && !state.signed_out);
    at("go").disabled = state.connecting;
    if (!at("server").value) at("server").value = state.server;
    at("lists").hidden = !state.signed_in && state.as_of === null;
    document.querySelector("footer").hidden = at("lists").hidden; // it explains the keys of the list
    at("count-held").textContent = state.held.length ? grouped(state.held).size : "";
    offerUndo();
    render();
  };

  const offerUndo = () => {
    clearTimeout(undoTimer);
    const left = state.undo ? new Date(state.undo.until) - Date.now() : 0;
    at("undo").hidden = left <= 0;
    if (left <= 0) return;
    at("undo-text").textContent = `${state.undo.text}.`;
    undoTimer = setTimeout(() => { at("undo").hidden = true; }, left);
  };

  const decide = async (gmailId, decision, article) => {
    // Move the focus at once: keys pressed while the tray stores the decision are meant for the next card.
    const all = [...document.querySelectorAll("#list article")], here = all.indexOf(article);
    leaving = article;
    near = [...all.slice(here + 1), ...all.slice(0, here).reverse()];
    if (near.length) steadily(() => focusCard(near[0]));
    await ask("decide", { gmail_id: gmailId, decision });
  };

  const undo = () => { if (state.undo && !at("undo").hidden) ask("undo", { key: state.undo.key }); };

  const focusCard = (one) => {
    if (!one) { at("list").focus(); return; } // not the search field, where "u" would be typed instead of undoing
    for (const other of document.querySelectorAll('#list article[tabindex="0"]')) other.tabIndex = -1;
    one.tabIndex = 0;
    one.focus();
    one.scrollIntoView({ block: "nearest" });
  };

  const move = (step) => {
    const all = [...document.querySelectorAll("#list article")];
    const here = all.indexOf(document.activeElement && document.activeElement.closest("article"));
    focusCard(all[Math.min(Math.max(here + step, 0), all.length - 1)]);
  };

  const choose = (name) => {
    tab = name;
    seen = null;
    rows = new Map();
    for (const one of ["held", "passed"]) {
      at(`tab-${one}`).setAttribute("aria-selected", String(one === name));
      at(`tab-${one}`).tabIndex = one === name ? 0 : -1;
    }
    at("list").setAttribute("aria-labelledby", `tab-${name}`);
    render();
  };

  document.addEventListener("keydown", (event) => {
    if (!state || event.ctrlKey || event.metaKey || event.altKey) return;
    const typing = event.target.tagName === "INPUT";
    if (event.key === "Escape" && event.target === at("search")) {
      at("search").value = query = "";
      render();
      move(0);
    } else if (event.key === "ArrowDown" && (!typing || event.target === at("search"))) { move(typing ? 0 : 1); }
    else if (typing) return;
    else if (event.key === "j") move(1);
    else if (event.key === "ArrowUp" || event.key === "k") move(-1);
    else if ((event.key === "ArrowRight" || event.key === "ArrowLeft") && event.target.getAttribute("role") === "tab") {
      choose(tab === "held" ? "passed" : "held");
      at(`tab-${tab}`).focus();
    } else if (event.key === "/") at("search").focus();
    else if (event.key === "u") undo();
    else {
      const article = event.target.closest && event.target.closest("article");
      const button = article && article.querySelector(`button[data-key="${CSS.escape(event.key)}"]`);
      if (!button) return;
      button.click();
    }
    event.preventDefault();
  });

  at("search").addEventListener("input", () => { query = at("search").value.trim().toLowerCase(); render(); });
  at("tab-held").addEventListener("click", () => choose("held"));
  at("tab-passed").addEventListener("click", () => choose("passed"));
  at("news").addEventListener("click", () => { seen = null; render(); });
  at("undo-go").addEventListener("click", undo);
  at("live").addEventListener("click", () => ask("live"));
  at("retry").addEventListener("click", () => ask("retry"));
  at("go").addEventListener("click", () => ask("connect", { server: at("server").value }));
  at("server").addEventListener("keydown", (event) => { if (event.key === "Enter") at("go").click(); });

  window.pitchgate = { show };
  const begin = () => ask("list");
  if (window.pywebview && window.pywebview.api && window.pywebview.api.ask) begin();
  else window.addEventListener("pywebviewready", begin);
})();
